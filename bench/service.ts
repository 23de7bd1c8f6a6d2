import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

export interface BenchService extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Milliseconds from the start of the process to its line that says it is ready. */
  readonly readyMs: number;
}

/**
 * `bin/vitrine serve` on the core that is named, where the system can pin.
 * @param quietUrl where it will listen, when its log level hides the line that says so
 */
export async function startService(configPath: string, core?: number, quietUrl?: string): Promise<BenchService> {
  const startedMs = performance.now();
  const command = ['bin/vitrine', 'serve', '--config', configPath];
  const [program = '', ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const ready = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('"msg":"Ready"')) ready.resolve((JSON.parse(line) as { url: string }).url);
  });
  void ended.then(() => ready.reject(new Error('Vitrine ended before it was ready')));
  if (quietUrl !== undefined) void untilReady(quietUrl).then(ready.resolve);
  const url = await ready.promise;
  return {
    url,
    pid: child.pid ?? 0,
    readyMs: performance.now() - startedMs,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The most memory that the process has had resident, in MB; Linux only. */
export async function peakResidentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function untilReady(url: string): Promise<string> {
  for (;;) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return url;
    await setTimeout(20);
  }
}

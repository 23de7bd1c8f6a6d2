import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const VITRINE = fileURLToPath(new URL('../bin/vitrine', import.meta.url));

/** `vitrine serve` as a process of its own, as operators run it. */
export interface ServiceProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** Milliseconds from the start of the process to its line that says it is ready. */
  readonly readyMs: number;
  /** What it has logged so far. */
  readonly lines: readonly string[];
  /** Resolves when the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface ProcessOptions {
  readonly configPath: string;
  /** Largest file that the process may write, in KiB; beyond it the system answers as a full disk does. */
  readonly maxFileKib?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** The configuration has to log JSON at level `info`. Killed after the test, if it still runs then. */
export async function startProcess(t: Pick<TestContext, 'after'>, options: ProcessOptions): Promise<ServiceProcess> {
  const startedMs = performance.now();
  const { configPath, maxFileKib } = options;
  // Without the signal that a limit would kill it with, the process gets an error from the write instead.
  const limit = maxFileKib === undefined ? '' : `trap '' XFSZ; ulimit -f ${maxFileKib * 2}; `;
  const child = spawn('sh', ['-c', `${limit}exec "$0" serve --config "$1"`, VITRINE, configPath], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const ended = once(child, 'exit');
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  t.after(() => kill('SIGKILL'));
  const lines: string[] = [];
  const ready = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (line.includes('"msg":"Ready"')) ready.resolve((JSON.parse(line) as { url: string }).url);
    });
  }
  child.once('exit', () => ready.reject(new Error(`vitrine ended before it was ready:\n${lines.join('\n')}`)));
  const url = await ready.promise;
  return { child, url, readyMs: performance.now() - startedMs, lines, kill };
}

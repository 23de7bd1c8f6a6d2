import { spawn } from 'node:child_process';
import { addAbortListener, once } from 'node:events';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { InternalError } from '../../matrix/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { giveWay } from '../give-way.ts';
import { readResidentBytes } from '../read-resident-bytes.ts';

export interface ProgramLimits {
  /** Time for one run, and of that also time of the processor. */
  readonly maxRunMs: number;
  /** Memory that the program may occupy; twice as much it may ask for. */
  readonly maxProgramBytes: number;
}

export interface Run {
  /** The program, with what confines it before it. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** The only folder that the program has reason to look at. */
  readonly folder: string;
  readonly maxOutputBytes: number;
}

/** How a run ended: by itself, or killed for what it took too much of. */
export type Ending =
  | { readonly kind: 'exited'; readonly isClean: boolean }
  | { readonly kind: 'killed'; readonly why: 'time' | 'memory' | 'output' };

/**
 * No core dump, no file worth mentioning, few descriptors; limits on memory and on time of the processor. A system that
 * does not know one of them goes without: time and memory are watched from here as well.
 */
const WITH_LIMITS = `
for limit in "c 0" "f 2048" "n 64" "v $1" "t $2"; do ulimit -"\${limit%% *}" "\${limit#* }" 2>/dev/null || :; done
shift 2
exec "$@"
`;
const MEMORY_CHECK_MS = 50;
const MAX_DETAILS_LENGTH = 2000;

/**
 * Runs a program that reads a hostile file: without any of our environment, with nothing to read from, in a process group of
 * its own that is killed at the first limit. What it complains about goes to the log, at debug.
 * @param take gets what the program writes, in order; what it throws ends the program
 * @throws {InternalError} when it cannot be started; what the signal carries, after the program is gone
 */
export async function runProgram(
  run: Run,
  limits: ProgramLimits,
  log: Log,
  take: (chunk: Buffer) => void,
  signal: AbortSignal,
): Promise<Ending> {
  signal.throwIfAborted();
  const child = spawn('/bin/sh', ['-c', WITH_LIMITS, 'sh', ...limitWords(limits), ...run.command, ...run.args], {
    cwd: run.folder,
    env: { LANG: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // makes the group
  });
  giveWay(child.pid);
  const ended = once(child, 'close');
  let killedFor: Extract<Ending, { kind: 'killed' }>['why'] | undefined;
  const kill = (why?: typeof killedFor) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    killedFor ??= why;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended at this moment.
    }
  };
  using _leaving = addAbortListener(signal, () => kill());
  using _time = killAfter(limits.maxRunMs, () => kill('time'));
  using _memory = watchMemory(child.pid, limits.maxProgramBytes, () => kill('memory'));
  let details = '';
  try {
    // Without descriptors for them Node makes no pipes, whatever the type says.
    const reading = child.stdout && pass(child.stdout, run.maxOutputBytes, take, () => kill('output'));
    const complaints = child.stderr && readEnd(child.stderr);
    [, details = ''] = await Promise.all([reading, complaints, ended]);
  } catch (error) {
    kill();
    if (child.pid !== undefined) await ended;
    if (child.pid === undefined) throw new InternalError({ cause: error });
    throw error;
  } finally {
    log.debug(
      {
        program: basename(run.command.at(-1) ?? ''),
        code: child.exitCode,
        signal: child.signalCode,
        killedFor,
        details,
      },
      'A program has ended',
    );
  }
  signal.throwIfAborted();
  if (killedFor !== undefined) return { kind: 'killed', why: killedFor };
  return { kind: 'exited', isClean: child.exitCode === 0 };
}

/** The numbers of {@link WITH_LIMITS}, in the units of `ulimit`. */
function limitWords({ maxRunMs, maxProgramBytes }: ProgramLimits): string[] {
  return [String(Math.ceil((2 * maxProgramBytes) / 1024)), String(Math.ceil(maxRunMs / 1000) + 1)];
}

async function pass(
  stdout: Readable,
  maxBytes: number,
  take: (chunk: Buffer) => void,
  tooMany: () => void,
): Promise<void> {
  let bytes = 0;
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      tooMany();
      return;
    }
    take(chunk);
  }
}

/** The last words. Read on to the end, for a full pipe would stop the program. */
async function readEnd(stderr: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stderr.setEncoding('utf8')) text = (text + chunk).slice(-MAX_DETAILS_LENGTH);
  return text;
}

function killAfter(ms: number, kill: () => void): Disposable {
  const timer = setTimeout(kill, ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

function watchMemory(pid: number | undefined, maxBytes: number, kill: () => void): Disposable {
  const timer = setInterval(async () => {
    const bytes = pid === undefined ? undefined : await readResidentBytes(pid);
    if (bytes !== undefined && bytes > maxBytes) kill();
  }, MEMORY_CHECK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

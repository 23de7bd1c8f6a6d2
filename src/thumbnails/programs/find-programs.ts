import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath } from './find-on-path.ts';
import { findSandbox } from './find-sandbox.ts';

export interface Program {
  /** What is run: programs that confine it, and itself. All paths are absolute. */
  readonly command: readonly string[];
  /** As the program tells it, such as `5.1.9`. */
  readonly version: string;
}

/** What this machine has of the programs that media other than pictures needs. */
export interface Programs {
  readonly ffmpeg: Program | undefined;
  readonly ffprobe: Program | undefined;
  readonly pdftoppm: Program | undefined;
}

const MAX_ANSWER_MS = 10_000;

export interface FoundPrograms {
  readonly programs: Programs;
  /** For the log: how they run. */
  readonly confinement: string;
}

/** @param searchPath folders, as in the environment's `PATH` */
export async function findPrograms(searchPath: string, signal: AbortSignal): Promise<FoundPrograms> {
  const { words, description } = await findSandbox(searchPath, signal);
  const find = async (name: string, versionFlag: string): Promise<Program | undefined> => {
    const path = await findOnPath(name, searchPath);
    const version = path && (await askVersion(path, versionFlag, signal));
    return path && version ? { command: [...words, path], version } : undefined;
  };
  const [ffmpeg, ffprobe, pdftoppm] = await Promise.all([
    find('ffmpeg', '-version'),
    find('ffprobe', '-version'),
    find('pdftoppm', '-v'),
  ]);
  return { programs: { ffmpeg, ffprobe, pdftoppm }, confinement: description };
}

/** `undefined`: it does not answer, and counts as missing. */
async function askVersion(path: string, versionFlag: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const options = { cwd: '/', env: {}, signal, timeout: MAX_ANSWER_MS };
    const { stdout, stderr } = await promisify(execFile)(path, [versionFlag], options);
    return /version n?([\w.]+)/.exec(stdout + stderr)?.[1] ?? 'of unknown version';
  } catch {
    signal.throwIfAborted(); // else: no program
    return undefined;
  }
}

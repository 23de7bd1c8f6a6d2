import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

export interface Program {
  /** Absolute. */
  readonly path: string;
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

/** @param searchPath folders, as in the environment's `PATH` */
export async function findPrograms(searchPath: string, signal: AbortSignal): Promise<Programs> {
  const [ffmpeg, ffprobe, pdftoppm] = await Promise.all([
    findProgram('ffmpeg', '-version', searchPath, signal),
    findProgram('ffprobe', '-version', searchPath, signal),
    findProgram('pdftoppm', '-v', searchPath, signal),
  ]);
  return { ffmpeg, ffprobe, pdftoppm };
}

/** One that is there and does not answer counts as missing. */
async function findProgram(
  name: string,
  versionFlag: string,
  searchPath: string,
  signal: AbortSignal,
): Promise<Program | undefined> {
  for (const folder of searchPath.split(delimiter).filter(isAbsolute)) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      const { stdout, stderr } = await promisify(execFile)(path, [versionFlag], {
        cwd: '/',
        env: {},
        signal,
        timeout: MAX_ANSWER_MS,
      });
      return { path, version: /version n?([\w.]+)/.exec(stdout + stderr)?.[1] ?? 'of unknown version' };
    } catch {
      signal.throwIfAborted(); // else: not in this folder, or no program
    }
  }
  return undefined;
}

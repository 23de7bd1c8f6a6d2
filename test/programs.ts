import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const NEEDED = ['ffmpeg', 'ffprobe', 'pdftoppm'] as const;

/**
 * Why the tests that need ffmpeg and pdftoppm cannot run, else `false`.
 * @throws when `CI` is `true`, where a test that is not run is a test that fails
 */
export function skipWithoutPrograms(): string | false {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const missing = NEEDED.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length === 0) return false;
  const reason = `${missing.join(', ')} missing: script/bootstrap installs it, or says what to install`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}

/** Process IDs of what runs below this folder. */
export async function findProcessesIn(folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ls -l /proc/[0-9]*/cwd 2>/dev/null || :']);
  return stdout.split('\n').filter((line) => line.includes(`-> ${folder}`));
}

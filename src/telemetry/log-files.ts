import { mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';

/** One file a day (UTC), with a link to the newest. */
export interface LogFiles {
  write(line: string): void;
  close(): void;
}

const NAME = 'media_repo.log';
const KEPT_MS = 14 * 24 * 3_600_000;

/**
 * Files that cannot be written are complained about once, on the standard error; the service goes on without them.
 * They are touched when a day begins, so a few synchronous calls are all right here.
 */
export function openLogFiles(directory: string, now: () => number): LogFiles {
  let day = '';
  let file: ReturnType<typeof pino.destination> | undefined;
  let hasComplained = false;
  const complain = (error: unknown) => {
    if (hasComplained) return;
    hasComplained = true;
    process.stderr.write(`Log files in ${directory} cannot be written: ${String(error)}\n`);
  };
  const turnPage = (today: string) => {
    day = today;
    file?.end();
    file = undefined;
    try {
      mkdirSync(directory, { recursive: true });
      const name = `${NAME}.${today}0000`;
      file = pino.destination({ dest: join(directory, name), append: true, sync: false });
      file.on('error', complain);
      link(directory, name);
      removeOld(directory, now());
    } catch (error) {
      complain(error);
    }
  };
  return {
    write(line) {
      const today = new Date(now()).toISOString().slice(0, 10).replaceAll('-', '');
      if (today !== day) turnPage(today);
      file?.write(line);
    },
    close() {
      try {
        file?.flushSync();
        file?.end();
      } catch (error) {
        complain(error);
      }
    },
  };
}

/** Made aside and renamed, so that the link is never missing. Its target is the bare name: it works from anywhere. */
function link(directory: string, name: string): void {
  const aside = join(directory, `${NAME}.new`);
  rmSync(aside, { force: true });
  symlinkSync(name, aside);
  renameSync(aside, join(directory, NAME));
}

function removeOld(directory: string, now: number): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (name.startsWith(`${NAME}.`) && now - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { force: true });
  }
}

import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type LineWriter, openLineWriter } from './line-writer.ts';

/** One file a day (UTC), with a link to the newest. */
export interface LogFiles {
  write(line: string): void;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

const NAME = 'media_repo.log';
const KEPT_MS = 14 * 24 * 3_600_000;

/**
 * Files that cannot be written are complained about once, on the standard error; the service goes on without them.
 * They are touched when a day begins, so a few synchronous calls are all right here.
 */
export function openLogFiles(directory: string, now: () => number): LogFiles {
  let day = '';
  let file: LineWriter | undefined;
  let closeFile = async () => {};
  let closed = Promise.resolve();
  let hasComplained = false;
  const complain = (error: unknown) => {
    if (hasComplained) return;
    hasComplained = true;
    process.stderr.write(`Log files in ${directory} cannot be written: ${String(error)}\n`);
  };
  const turnPage = (today: string) => {
    day = today;
    file = undefined;
    closed = Promise.all([closed, closeFile()]).then(() => {});
    closeFile = async () => {};
    try {
      mkdirSync(directory, { recursive: true });
      const name = `${NAME}.${today}0000`;
      const fd = openSync(join(directory, name), 'a');
      const writer = openLineWriter(fd, complain);
      file = writer;
      closeFile = async () => {
        await writer.flush();
        closeSync(fd);
      };
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
    async close() {
      file = undefined;
      await Promise.all([closed, closeFile()]);
      closeFile = async () => {};
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
    if (!name.startsWith(`${NAME}.`)) continue;
    const found = lstatSync(path, { throwIfNoEntry: false }); // another process may have removed it
    if (found?.isFile() && now - found.mtimeMs > KEPT_MS) rmSync(path, { force: true });
  }
}

import { write } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const writeSome = promisify(write);

/** In UTF-16 units: what waits while nobody takes it. Lines beyond that are dropped. */
const MAX_WAITING = 16_777_216;
/** Before a pipe that is full is tried again. */
const FULL_PIPE_MS = 50;

/** Writes lines in order, many at once when they come fast, without holding anybody up. */
export interface LineWriter {
  write(line: string): void;
  /** Resolves when all lines are written, or have failed. */
  flush(): Promise<void>;
}

/**
 * Lines that cannot be written are lost, and the next ones are tried again. Not pino's own destination: at the end, that
 * one tries for ever to write to a disk that is full or a pipe that is closed, and the process never stops.
 * @param fd stays open
 */
export function openLineWriter(fd: number, onError: (error: unknown) => void): LineWriter {
  let waiting: string[] = [];
  let length = 0;
  let writing: Promise<void> | undefined;
  const writeAll = async () => {
    while (waiting.length > 0) {
      const bytes = Buffer.from(waiting.join(''));
      waiting = [];
      length = 0;
      try {
        await writeWhole(fd, bytes);
      } catch (error) {
        onError(error);
      }
    }
    writing = undefined;
  };
  return {
    write(line) {
      if (length + line.length > MAX_WAITING) return;
      length += line.length;
      waiting.push(line);
      writing ??= Promise.resolve().then(writeAll); // lines of the same moment go together
    },
    async flush() {
      await writing;
    },
  };
}

async function writeWhole(fd: number, bytes: Buffer): Promise<void> {
  let position = 0;
  while (position < bytes.length) {
    try {
      position += (await writeSome(fd, bytes, position)).bytesWritten;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      await wait(FULL_PIPE_MS);
    }
  }
}

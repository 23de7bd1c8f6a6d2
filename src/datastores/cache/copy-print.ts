import { createHash } from 'node:crypto';
import { type FileHandle, stat, utimes } from 'node:fs/promises';

/**
 * Tells whether a copy is still the file that it was. Whoever writes to it, cuts it, puts another in its place, or sets its
 * times changes the time of its last change, which the kernel keeps and nobody can set.
 */
export interface CopyPrint {
  readonly text: string;
  readonly sizeBytes: number;
  /** It has been deleted, and is only held open. */
  readonly isGone: boolean;
}

export async function printOf(file: FileHandle | string): Promise<CopyPrint> {
  const { dev, ino, size, mtimeNs, ctimeNs, nlink } = await (typeof file === 'string'
    ? stat(file, { bigint: true })
    : file.stat({ bigint: true }));
  return {
    text: `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`,
    sizeBytes: Number(size),
    isGone: nlink === 0n,
  };
}

/** Notes in the file that it is in use. @returns what it looks like then; `undefined`: nobody knows */
export async function touchCopy(path: string, nowMs: number): Promise<string | undefined> {
  try {
    await utimes(path, nowMs / 1000, nowMs / 1000);
    return (await printOf(path)).text;
  } catch {
    return undefined; // it is only about what goes first
  }
}

const CHUNK_BYTES = 256 * 1024;

export async function hashOfFile(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

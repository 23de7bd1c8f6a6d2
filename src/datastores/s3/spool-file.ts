import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asDatastoreError as asFileError, hasCode } from '../file-errors.ts';

/** A new one, for nobody else's eyes. */
export async function openSpoolFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx+', 0o600).catch(async (error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 }); // MMR removes the folder when it is empty
      return await open(path, 'wx+', 0o600);
    });
  } catch (error) {
    throw asFileError(error);
  }
}

/** What lies from `start` on, as much of it as the buffer takes. */
export async function readPart(handle: FileHandle, buffer: Buffer, start: number, sizeBytes: number): Promise<Buffer> {
  const part = buffer.subarray(0, sizeBytes - start);
  for (let done = 0; done < part.length; ) {
    const { bytesRead } = await handle.read(part, done, part.length - done, start + done);
    if (bytesRead === 0) throw asFileError(new Error('The temporary has become shorter'));
    done += bytesRead;
  }
  return part;
}

/** Over what lies there. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
  } catch (error) {
    throw asFileError(error);
  }
}

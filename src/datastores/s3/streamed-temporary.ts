import { type FileHandle, unlink } from 'node:fs/promises';
import type { Temporary } from '../datastore.ts';
import { type MultipartUpload, startMultipartUpload } from './multipart-upload.ts';
import { type NewObject, removeRemains } from './new-object.ts';
import { PART_BYTES, type PartBuffer } from './part-buffers.ts';
import { openSpoolFile, readPart, writeAt } from './spool-file.ts';

/** What every upload may have in memory. Most pictures are no larger, and need not wait for those that are. */
const FREE_BYTES = 256 * 1024;

/**
 * What is smaller than a part waits until it is kept, and nothing of it is sent if it is not. What is larger goes into the
 * bucket part by part, while it comes. A part gathers in memory as long as there is some to spare; else in a file, so that
 * slow clients hold up nobody.
 * @param path of that file, which must not be there yet
 */
export function createStreamedTemporary(object: NewObject, path: string, signal: AbortSignal): Temporary {
  const { bucket, key, contentType, partBuffers, log } = object;
  const given = new AbortController();
  const until = AbortSignal.any([signal, given.signal]);
  let buffer: Buffer = Buffer.alloc(0);
  let used = 0;
  let partNumber = 0;
  let hold: PartBuffer | undefined;
  let file: FileHandle | undefined;
  let isInFile = false;
  let upload: MultipartUpload | undefined;
  let writing: Promise<void> = Promise.resolve();
  let state: 'open' | 'keeping' | 'kept' = 'open';

  const letGo = () => {
    buffer = Buffer.alloc(0);
    used = 0;
    isInFile = false;
    hold?.[Symbol.dispose]();
    hold = undefined;
  };
  const openFile = async (): Promise<FileHandle | undefined> => {
    try {
      return await openSpoolFile(path);
    } catch (error) {
      log.warn({ err: error, path }, 'An upload waits for memory, because there is no room for it on the disk');
      return undefined;
    }
  };
  const grow = async (wanted: number) => {
    if (wanted <= buffer.length) return;
    if (wanted > FREE_BYTES) {
      hold = partBuffers.takeToFill();
      if (hold === undefined) {
        file ??= await openFile();
        if (file !== undefined) {
          await writeAt(file, buffer.subarray(0, used), 0);
          buffer = Buffer.alloc(0);
          isInFile = true;
          return;
        }
        hold = await partBuffers.take(until);
      }
    }
    const larger = hold?.bytes ?? Buffer.allocUnsafeSlow(roundUp(wanted));
    buffer.copy(larger, 0, 0, used);
    buffer = larger;
  };
  const withPart = async (send: (bytes: Buffer) => Promise<void>) => {
    if (file === undefined || !isInFile) return await send(buffer.subarray(0, used));
    using whole = await partBuffers.take(until);
    await send(await readPart(file, whole.bytes, 0, used));
  };
  const sendPart = async () => {
    const sending = upload ?? (await startMultipartUpload(bucket, key, contentType, until));
    upload = sending;
    partNumber += 1;
    await withPart((bytes) => sending.send(partNumber, bytes));
    letGo(); // who has waited is next: many uploads get on by turns
  };
  const append = async (chunks: readonly Uint8Array[]) => {
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length; ) {
        // Only now: the last part has to be sent by `keep`, and must not be empty.
        if (used === PART_BYTES) await sendPart();
        const wanted = Math.min(PART_BYTES, used + chunk.length - done);
        if (!isInFile) await grow(wanted);
        const piece = chunk.subarray(done, done + wanted - used);
        if (file !== undefined && isInFile) await writeAt(file, piece, used);
        else buffer.set(piece, used);
        used += piece.length;
        done += piece.length;
      }
    }
  };
  return {
    write(chunks) {
      writing = append(chunks);
      return writing;
    },
    async keep() {
      state = 'keeping';
      if (upload === undefined) await withPart((bytes) => bucket.put(key, bytes, contentType, until));
      else {
        await sendPart();
        await upload.complete();
      }
      state = 'kept';
      letGo();
      return key;
    },
    async [Symbol.asyncDispose]() {
      given.abort(new Error('The upload has been given up'));
      await writing.catch(() => undefined); // has been told to whoever wrote
      letGo();
      await file?.close();
      if (file !== undefined) await unlink(path).catch(() => undefined); // the next start sweeps
      if (state !== 'kept') await removeRemains(object, upload, state === 'keeping');
    },
  };
}

/** To a power of two, so that what comes in small pieces is not copied for each. */
function roundUp(bytes: number): number {
  return Math.min(FREE_BYTES, 2 ** Math.ceil(Math.log2(Math.max(bytes, 4096))));
}

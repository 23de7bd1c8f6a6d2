import { createReadStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import type { Temporary } from '../datastore.ts';
import { asDatastoreError as asFileError, hasCode } from '../file-errors.ts';
import { writeAll } from '../file-temporary.ts';
import { type MultipartUpload, startMultipartUpload } from './multipart-upload.ts';
import { type NewObject, removeRemains } from './new-object.ts';
import { PART_BYTES } from './part-buffers.ts';
import { openSpoolFile, readPart } from './spool-file.ts';

/** Parts of one object that are on their way at the same time. */
const PARTS_AT_ONCE = 3;

/**
 * By way of a file: nothing is sent before it is known that the object is wanted, and slow clients hold no memory.
 * @param path of the file, which must not be there yet
 * @param inParts whether a large object may be sent in parts
 */
export async function createSpooledTemporary(
  object: NewObject,
  path: string,
  inParts: boolean,
  signal: AbortSignal,
): Promise<Temporary> {
  const { bucket, key, contentType, partBuffers } = object;
  const handle = await openSpoolFile(path);
  const given = new AbortController();
  const until = AbortSignal.any([signal, given.signal]);
  let sizeBytes = 0;
  let writing: Promise<void> = Promise.resolve();
  let upload: MultipartUpload | undefined;
  let state: 'open' | 'keeping' | 'kept' = 'open';

  const append = async (chunks: readonly Uint8Array[]) => {
    try {
      await writeAll(handle, chunks);
      sizeBytes += chunks.reduce((sum, { length }) => sum + length, 0);
    } catch (error) {
      throw asFileError(error);
    }
  };
  const sendWhole = async () => {
    using buffer = await partBuffers.take(until);
    await bucket.put(key, await readPart(handle, buffer.bytes, 0, sizeBytes), contentType, until);
  };
  const sendParts = async () => {
    const sending = await startMultipartUpload(bucket, key, contentType, until);
    upload = sending;
    const count = Math.ceil(sizeBytes / PART_BYTES);
    let next = 0;
    const sendSome = async () => {
      while (next < count) {
        next += 1;
        const partNumber = next;
        using buffer = await partBuffers.take(until);
        await sending.send(partNumber, await readPart(handle, buffer.bytes, (partNumber - 1) * PART_BYTES, sizeBytes));
      }
    };
    // All have to be over before the upload can be taken back.
    const results = await Promise.allSettled(
      Array.from({ length: PARTS_AT_ONCE }, () =>
        sendSome().catch((error: unknown) => {
          given.abort(error);
          throw error;
        }),
      ),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw given.signal.aborted ? given.signal.reason : failed.reason;
    await sending.complete();
  };

  return {
    write(chunks) {
      writing = append(chunks);
      return writing;
    },
    async read(into, position) {
      return (await handle.read(into, 0, into.length, position)).bytesRead;
    },
    async keep() {
      state = 'keeping';
      if (sizeBytes <= PART_BYTES) await sendWhole();
      else if (inParts) await sendParts();
      else await bucket.putStream(key, () => createReadStream(path), sizeBytes, contentType, until);
      state = 'kept';
      return key;
    },
    async [Symbol.asyncDispose]() {
      given.abort(new Error('The upload has been given up'));
      await writing.catch(() => undefined); // has been told to whoever wrote
      await handle.close();
      await unlink(path).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw asFileError(error);
      });
      if (state === 'keeping') await removeRemains(object, upload, true);
    },
  };
}

import type { Temporary } from '../datastore.ts';
import { type MultipartUpload, startMultipartUpload } from './multipart-upload.ts';
import { type NewObject, removeRemains } from './new-object.ts';
import { PART_BYTES, type PartBuffer } from './part-buffers.ts';

/** What every upload may have in memory. Most pictures are no larger, and need not wait for those that are. */
const FREE_BYTES = 256 * 1024;

/**
 * Without a disk: what is smaller than a part waits in memory until it is kept, and nothing of it is sent if it is not.
 * What is larger goes into the bucket part by part, while it comes.
 */
export function createStreamedTemporary(object: NewObject, signal: AbortSignal): Temporary {
  const { bucket, key, contentType, partBuffers } = object;
  const given = new AbortController();
  const until = AbortSignal.any([signal, given.signal]);
  let buffer: Buffer = Buffer.alloc(0);
  let used = 0;
  let partNumber = 0;
  let hold: PartBuffer | undefined;
  let upload: MultipartUpload | undefined;
  let writing: Promise<void> = Promise.resolve();
  let state: 'open' | 'keeping' | 'kept' = 'open';

  const letGo = () => {
    buffer = Buffer.alloc(0);
    used = 0;
    hold?.[Symbol.dispose]();
    hold = undefined;
  };
  const grow = async (wanted: number) => {
    if (wanted <= buffer.length) return;
    if (wanted > FREE_BYTES) hold = await partBuffers.take(until);
    const larger = hold?.bytes ?? Buffer.allocUnsafeSlow(roundUp(wanted));
    buffer.copy(larger, 0, 0, used);
    buffer = larger;
  };
  const sendPart = async () => {
    upload ??= await startMultipartUpload(bucket, key, contentType, until);
    partNumber += 1;
    await upload.send(partNumber, buffer.subarray(0, used));
    letGo(); // who has waited is next: many uploads get on by turns
  };
  const append = async (chunks: readonly Uint8Array[]) => {
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length; ) {
        // Only now: the last part has to be sent by `keep`, and must not be empty.
        if (used === PART_BYTES) await sendPart();
        await grow(Math.min(PART_BYTES, used + chunk.length - done));
        const piece = chunk.subarray(done, done + buffer.length - used);
        buffer.set(piece, used);
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
      if (upload === undefined) await bucket.put(key, buffer.subarray(0, used), contentType, until);
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
      if (state !== 'kept') await removeRemains(object, upload, state === 'keeping');
    },
  };
}

/** To a power of two, so that what comes in small pieces is not copied for each. */
function roundUp(bytes: number): number {
  return Math.min(FREE_BYTES, 2 ** Math.ceil(Math.log2(Math.max(bytes, 4096))));
}

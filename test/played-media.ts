import { createHash } from 'node:crypto';
import type { OpenMedia } from '../src/media/index.ts';

/** Reads `bytes` in chunks of one buffer that is used again and again, as datastores may. */
export function playObject(bytes: Uint8Array, chunkBytes = 65_536): OpenMedia['object'] {
  return {
    sizeBytes: bytes.length,
    async *read({ start, end }, signal) {
      const shared = Buffer.alloc(chunkBytes);
      for (let at = start; at <= end; at += chunkBytes) {
        signal.throwIfAborted();
        const chunk = bytes.subarray(at, Math.min(at + chunkBytes, end + 1));
        shared.set(chunk);
        yield shared.subarray(0, chunk.length);
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Media as the rules of media would open it. */
export function playMedia(
  object: OpenMedia['object'],
  { type = 'application/octet-stream', name = '' }: { readonly type?: string; readonly name?: string } = {},
): OpenMedia {
  return {
    state: 'stored',
    record: {
      origin: 'example.org',
      media_id: 'abc',
      upload_name: name,
      content_type: type,
      user_id: '@alice:example.org',
      sha256_hash: createHash('sha256').update('played').digest('hex'),
      size_bytes: object.sizeBytes,
      creation_ts: 0,
      quarantined: false,
      datastore_id: 'main',
      location: 'aa/bb/cc',
    },
    object,
    again: () => undefined,
    [Symbol.asyncDispose]: () => object[Symbol.asyncDispose](),
  };
}

import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { ByteRange, Location } from '../datastore.ts';
import { ask, type BucketClient, objectIn } from './ask-bucket.ts';
import type { Answer } from './bucket.ts';
import { isMissing, statusOf } from './s3-errors.ts';

/** @param range `undefined`: all of it. @returns `undefined`: no such object; `'other'`: another one than `etag` says */
export function getObject(
  client: BucketClient,
  key: Location,
  range: ByteRange | undefined,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<Answer | 'other' | undefined> {
  const { sdk, readers, timeoutMs } = client;
  const asked = {
    ...objectIn(client, key),
    ...(range !== undefined && { Range: `bytes=${range.start}-${range.end}` }),
    ...(etag !== undefined && { IfMatch: etag }),
  };
  return ask<Answer | 'other' | undefined>(
    client,
    {
      action: 'read an object',
      to: readers,
      ms: timeoutMs,
      send: async (s3, how) => asAnswer(await s3.send(new sdk.GetObjectCommand(asked), how), range),
      mayBe(error) {
        if (isMissing(error)) return { answer: undefined };
        return statusOf(error) === 412 || statusOf(error) === 416 ? { answer: 'other' } : undefined;
      },
    },
    signal,
  );
}

function asAnswer(output: GetObjectCommandOutput, range: ByteRange | undefined): Answer {
  const body = output.Body as Readable; // Node's kind, in Node
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(output.ContentRange ?? '') ?? [];
  if (range === undefined) return { body, sizeBytes: output.ContentLength, etag: output.ETag };
  if (Number(start) !== range.start) {
    body.destroy();
    throw new Error('The service has answered with another range than it was asked for');
  }
  return { body, sizeBytes: Number(size), etag: output.ETag };
}

import type { Readable } from 'node:stream';
import type { Location } from '../datastore.ts';
import { ask, type BucketClient, objectIn, type Question } from './ask-bucket.ts';
import { msToSend } from './patience.ts';
import { isMissing } from './s3-errors.ts';

/** A body that the service takes back in one piece would be sent as often, too. */
const STREAM_TRIES = 3;

export async function putObject(
  client: BucketClient,
  key: Location,
  bytes: Uint8Array,
  contentType: string,
  signal: AbortSignal,
): Promise<void> {
  const asked = { ...newObjectIn(client, key, contentType), Body: bytes, ContentLength: bytes.length };
  await write(client, 'write an object', bytes.length, signal, {
    send: (s3, how) => s3.send(new client.sdk.PutObjectCommand(asked), how),
  });
}

/** @param open called for each try */
export async function putStream(
  client: BucketClient,
  key: Location,
  open: () => Readable,
  sizeBytes: number,
  contentType: string,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const body = open();
    const asked = { ...newObjectIn(client, key, contentType), Body: body, ContentLength: sizeBytes };
    try {
      await write(client, 'write an object', sizeBytes, signal, {
        send: (s3, how) => s3.send(new client.sdk.PutObjectCommand(asked), how),
      });
      return;
    } catch (error) {
      if (tries === STREAM_TRIES || signal.aborted) throw error;
    } finally {
      body.destroy();
    }
  }
}

export async function deleteObject(client: BucketClient, key: Location, signal: AbortSignal): Promise<void> {
  await write<unknown>(client, 'delete an object', 0, signal, {
    send: (s3, how) => s3.send(new client.sdk.DeleteObjectCommand(objectIn(client, key)), how),
    mayBe: (error) => (isMissing(error) ? { answer: undefined } : undefined),
  });
}

/** @param bytes that are sent: they take their time */
export function write<T>(
  client: BucketClient,
  action: string,
  bytes: number,
  signal: AbortSignal,
  question: Pick<Question<T>, 'send' | 'mayBe'>,
): Promise<T> {
  const { writers, timeoutMs } = client;
  return ask(client, { action, to: writers, ms: timeoutMs + msToSend(bytes), ...question }, signal);
}

/** An object that is to be, as a command describes it. */
export function newObjectIn(client: BucketClient, key: Location, contentType: string) {
  const { storageClass } = client.options;
  return {
    ...objectIn(client, key),
    ContentType: contentType,
    ...(storageClass !== '' && { StorageClass: storageClass as 'STANDARD' }), // each service has its own
  };
}

import type { Readable } from 'node:stream';
import type { CompletedPart, GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { S3Options } from '../../config/index.ts';
import type { ByteRange, ListedObject, Location, RedirectedHeaders } from '../datastore.ts';
import { ANONYMOUS, findCredentials } from './credentials.ts';
import { msToSend, waitAtMost } from './patience.ts';
import { createRegion } from './region.ts';
import { createS3Client, type RegionalClient } from './s3-client.ts';
import { asDatastoreError, codeOf, isMissing, statusOf } from './s3-errors.ts';

/** An answer whose body is still to be read, or to be destroyed. */
export interface Answer {
  readonly body: Readable;
  /** Of the whole object; `undefined`: the service does not say. */
  readonly sizeBytes: number | undefined;
  readonly etag: string | undefined;
}

/** A part that has arrived. */
export type SentPart = CompletedPart;

/**
 * What is asked of a bucket. Each wait has a limit, and errors are the datastore's own: nothing that is secret is in them.
 * @throws {Unavailable} {@link StorageFull}
 */
export interface Bucket {
  /** @param range `undefined`: all of it. @returns `undefined`: no such object; `'other'`: another one than `etag` says */
  get(
    key: Location,
    range: ByteRange | undefined,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer | 'other' | undefined>;
  /** The size; `undefined`: the bucket is there, and has no such object. */
  head(key: Location, signal: AbortSignal): Promise<number | undefined>;
  put(key: Location, bytes: Uint8Array, contentType: string, signal: AbortSignal): Promise<void>;
  /** @param open called for each try */
  putStream(
    key: Location,
    open: () => Readable,
    sizeBytes: number,
    contentType: string,
    signal: AbortSignal,
  ): Promise<void>;
  /** @returns its ID */
  startUpload(key: Location, contentType: string, signal: AbortSignal): Promise<string>;
  sendPart(
    key: Location,
    uploadId: string,
    partNumber: number,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<SentPart>;
  completeUpload(
    key: Location,
    uploadId: string,
    parts: readonly SentPart[],
    sizeBytes: number,
    signal: AbortSignal,
  ): Promise<void>;
  abortUpload(key: Location, uploadId: string, signal: AbortSignal): Promise<void>;
  delete(key: Location, signal: AbortSignal): Promise<void>;
  /** So many as the service tells at once, in the order of their names. @param after empty for the first ones */
  listSome(
    after: Location,
    signal: AbortSignal,
  ): Promise<{ readonly objects: ListedObject[]; readonly isLast: boolean }>;
  /** Good for so many seconds. `undefined`: there is no key to sign with */
  sign(key: Location, headers: RedirectedHeaders, seconds: number, signal: AbortSignal): Promise<string | undefined>;
  /** @throws {Unavailable} when the bucket does not answer, or does not know us */
  probe(signal: AbortSignal): Promise<void>;
  /** So long a single question, or the next piece of an answer, may take. */
  readonly timeoutMs: number;
  close(): void;
}

/** A body that the service takes back in one piece would be sent as often, too. */
const STREAM_TRIES = 3;

export async function openBucket(options: S3Options, now: () => number): Promise<Bucket> {
  const [sdk, { getSignedUrl }, credentials] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/s3-request-presigner'),
    findCredentials(options, now),
  ]);
  const region = createRegion(options.region, options.endpoint);
  const readers = createS3Client(sdk, options, credentials, region);
  const writers = createS3Client(sdk, options, credentials, region); // slow readers keep nobody from writing
  const { accessKeyId, accessSecret } = options;
  const timeoutMs = options.timeoutSeconds * 1000;
  const inBucket = (key: Location) => ({ Bucket: options.bucketName, Key: key });

  /** @param mayBe what the error means, where that is no trouble */
  const ask = async <T>(
    action: string,
    to: RegionalClient,
    ms: number,
    signal: AbortSignal,
    question: (client: RegionalClient['client'], how: HowToAsk) => Promise<T>,
    mayBe: (error: unknown) => { readonly answer: T } | undefined = () => undefined,
  ): Promise<T> => {
    try {
      return await waitAtMost(ms, signal, (abortSignal) =>
        to.inRegion((client) => question(client, { abortSignal, requestTimeout: Math.ceil(ms / 2) })),
      );
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const answer = mayBe(error);
      if (answer !== undefined) return answer.answer;
      throw asDatastoreError(error, action, [accessKeyId, accessSecret]);
    }
  };
  const write = <T>(
    action: string,
    bytes: number,
    signal: AbortSignal,
    question: (client: RegionalClient['client'], how: HowToAsk) => Promise<T>,
    mayBe?: (error: unknown) => { readonly answer: T } | undefined,
  ) => ask(action, writers, timeoutMs + msToSend(bytes), signal, question, mayBe);

  const newObject = (key: Location, contentType: string) => ({
    ...inBucket(key),
    ContentType: contentType,
    ...(options.storageClass !== '' && { StorageClass: options.storageClass as 'STANDARD' }), // each service has its own
  });
  const look = <T>(
    signal: AbortSignal,
    question: (client: RegionalClient['client'], how: HowToAsk) => Promise<T>,
    mayBe?: (error: unknown) => { readonly answer: T } | undefined,
  ) => ask('look at an object', readers, timeoutMs, signal, question, mayBe);
  const head = async (key: Location, signal: AbortSignal): Promise<number | undefined> => {
    const found = await look<number | 'nothing' | undefined>(
      signal,
      async (client, how) => (await client.send(new sdk.HeadObjectCommand(inBucket(key)), how)).ContentLength,
      (error) => (isMissing(error) ? { answer: 'nothing' } : undefined),
    );
    return found === 'nothing' ? await lookAgain(key, signal) : found;
  };
  /**
   * HEAD has no body: its 404 may be about the bucket, or come from what is no S3 at all. GET tells.
   * @throws {Unavailable} unless it is the object that is missing
   */
  const lookAgain = async (key: Location, signal: AbortSignal): Promise<number | undefined> => {
    const found = await look<number | 'no such key' | 'nothing' | undefined>(
      signal,
      async (client, how) => {
        const { Body, ContentLength } = await client.send(new sdk.GetObjectCommand(inBucket(key)), how);
        (Body as Readable | undefined)?.destroy(); // Node's kind, in Node
        return ContentLength;
      },
      (error) => {
        if (codeOf(error) === 'NoSuchKey') return { answer: 'no such key' };
        return isMissing(error) ? { answer: 'nothing' } : undefined;
      },
    );
    if (found === 'nothing') {
      await look(signal, (client, how) => client.send(new sdk.HeadBucketCommand({ Bucket: options.bucketName }), how));
    }
    return typeof found === 'string' ? undefined : found;
  };

  const probe = async (signal: AbortSignal): Promise<void> => {
    await ask<unknown>(
      'be asked',
      writers, // not held up by readers
      timeoutMs,
      signal,
      async (client, how) => {
        const { Body } = await client.send(new sdk.GetObjectCommand(inBucket(PROBED_KEY)), how);
        (Body as Readable | undefined)?.destroy(); // Node's kind, in Node
      },
      // Who may not list a bucket is not told that an object is missing.
      (error) => (isMissing(error) || codeOf(error) === 'AccessDenied' ? { answer: undefined } : undefined),
    );
  };

  return {
    timeoutMs,
    head,
    get: (key, range, etag, signal) =>
      ask<Answer | 'other' | undefined>(
        'read an object',
        readers,
        timeoutMs,
        signal,
        async (client, how) => {
          const asked = {
            ...inBucket(key),
            ...(range !== undefined && { Range: `bytes=${range.start}-${range.end}` }),
            ...(etag !== undefined && { IfMatch: etag }),
          };
          return asAnswer(await client.send(new sdk.GetObjectCommand(asked), how), range);
        },
        (error) => {
          if (isMissing(error)) return { answer: undefined };
          return statusOf(error) === 412 || statusOf(error) === 416 ? { answer: 'other' } : undefined;
        },
      ),
    async put(key, bytes, contentType, signal) {
      const asked = { ...newObject(key, contentType), Body: bytes, ContentLength: bytes.length };
      await write('write an object', bytes.length, signal, (client, how) =>
        client.send(new sdk.PutObjectCommand(asked), how),
      );
    },
    async putStream(key, open, sizeBytes, contentType, signal) {
      for (let tries = 1; ; tries += 1) {
        const body = open();
        const asked = { ...newObject(key, contentType), Body: body, ContentLength: sizeBytes };
        try {
          await write('write an object', sizeBytes, signal, (client, how) =>
            client.send(new sdk.PutObjectCommand(asked), how),
          );
          return;
        } catch (error) {
          if (tries === STREAM_TRIES || signal.aborted) throw error;
        } finally {
          body.destroy();
        }
      }
    },
    startUpload: (key, contentType, signal) =>
      write('begin an upload', 0, signal, async (client, how) => {
        const asked = new sdk.CreateMultipartUploadCommand(newObject(key, contentType));
        const { UploadId } = await client.send(asked, how);
        if (UploadId === undefined) throw new Error('The upload has got no ID');
        return UploadId;
      }),
    sendPart: (key, uploadId, partNumber, bytes, signal) =>
      write('write a part', bytes.length, signal, async (client, how) => {
        const part = { UploadId: uploadId, PartNumber: partNumber };
        const asked = { ...inBucket(key), ...part, Body: bytes, ContentLength: bytes.length };
        const { ETag } = await client.send(new sdk.UploadPartCommand(asked), how);
        return { PartNumber: partNumber, ETag };
      }),
    async completeUpload(key, uploadId, parts, sizeBytes, signal) {
      const asked = { ...inBucket(key), UploadId: uploadId, MultipartUpload: { Parts: [...parts] } };
      const isKnown = await write<boolean>(
        'complete an upload',
        sizeBytes / 16, // some services copy the parts together
        signal,
        async (client, how) => {
          await client.send(new sdk.CompleteMultipartUploadCommand(asked), how);
          return true;
        },
        (error) => (codeOf(error) === 'NoSuchUpload' ? { answer: false } : undefined),
      );
      // The answer to an earlier try may have been lost.
      if (!isKnown && (await head(key, signal)) !== sizeBytes) {
        throw asDatastoreError(new Error('The upload is gone'), 'complete an upload', []);
      }
    },
    async abortUpload(key, uploadId, signal) {
      await write<unknown>(
        'abort an upload',
        0,
        signal,
        (client, how) =>
          client.send(new sdk.AbortMultipartUploadCommand({ ...inBucket(key), UploadId: uploadId }), how),
        (error) => (codeOf(error) === 'NoSuchUpload' ? { answer: undefined } : undefined),
      );
    },
    async delete(key, signal) {
      await write<unknown>(
        'delete an object',
        0,
        signal,
        (client, how) => client.send(new sdk.DeleteObjectCommand(inBucket(key)), how),
        (error) => (isMissing(error) ? { answer: undefined } : undefined),
      );
    },
    listSome: (after, signal) =>
      ask('list objects', readers, timeoutMs, signal, async (client, how) => {
        const asked = { Bucket: options.bucketName, ...(after !== '' && { StartAfter: after }) };
        const { Contents = [], IsTruncated } = await client.send(new sdk.ListObjectsV2Command(asked), how);
        const objects = Contents.map(({ Key = '', Size = 0, LastModified }) => {
          return { location: Key, sizeBytes: Size, modifiedTs: LastModified?.getTime() ?? now() };
        });
        return { objects, isLast: IsTruncated !== true || objects.length === 0 };
      }),
    async sign(key, headers, seconds, signal) {
      const { client } = readers;
      if (!region.isKnown) await probe(signal);
      const found = await waitAtMost(timeoutMs, signal, () => client.config.credentials());
      if (found.accessKeyId === ANONYMOUS) return undefined;
      const asked = {
        ...inBucket(key),
        ResponseContentType: headers['Content-Type'],
        ResponseContentDisposition: headers['Content-Disposition'],
      };
      return await getSignedUrl(client, new sdk.GetObjectCommand(asked), { expiresIn: seconds });
    },
    probe,
    close() {
      readers.close();
      writers.close();
    },
  };
}

/** No object has this name. */
const PROBED_KEY = 'vitrine-health';

interface HowToAsk {
  readonly abortSignal: AbortSignal;
  /** For each try. */
  readonly requestTimeout: number;
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

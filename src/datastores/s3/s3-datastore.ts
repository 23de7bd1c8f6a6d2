import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { S3Options } from '../../config/index.ts';
import { Unavailable } from '../../matrix/index.ts';
import type { Counts, Log } from '../../telemetry/index.ts';
import type { Datastore, Location, Redirect, StoredObject } from '../datastore.ts';
import { redirectBelow } from '../redirects.ts';
import { sweepTemporaries, temporaryName } from '../temporaries.ts';
import type { Bucket } from './bucket.ts';
import { countOperations, countRedirects } from './count-operations.ts';
import type { NewObject } from './new-object.ts';
import { cleanType, objectKey } from './object-name.ts';
import { openBucket } from './open-bucket.ts';
import { createPartBuffers } from './part-buffers.ts';
import { createS3Object } from './s3-object.ts';
import { createSpooledTemporary } from './spooled-temporary.ts';
import { createStreamedTemporary } from './streamed-temporary.ts';

export interface S3DatastoreParts {
  readonly id: string;
  readonly options: S3Options;
  /** Temporaries carry it, so that a process sweeps its own and no other's. */
  readonly machineId: number;
  /** 59 characters, never the same twice. */
  readonly newUniqueId: () => string;
  readonly now: () => number;
  readonly log: Log;
  readonly counts?: Pick<Counts, 's3Asked'> | undefined;
}

const SPOOL_PREFIX = 'vitrine-s3-';
/** How much longer than one request an upload waits for memory. */
const PATIENCE_FOR_BUFFERS = 3;

/** Objects in a bucket, under the names that MMR gives them. Nothing is asked of the bucket here: it may be away at the start. */
export async function openS3Datastore(parts: S3DatastoreParts): Promise<Datastore> {
  const { id, options, log, counts } = parts;
  const spoolFolder = spoolFolderOf(options);
  await prepareSpool(spoolFolder ?? tmpdir(), parts); // what is to be read while it comes lies there in any case
  const opened = await openBucket(options, parts.now);
  const bucket = counts === undefined ? opened : countOperations(opened, counts);
  const partBuffers = createPartBuffers(options.partBuffers, bucket.timeoutMs * PATIENCE_FOR_BUFFERS);

  const asObject = (location: Location, sizeBytes: number): StoredObject =>
    createS3Object({
      bucket,
      datastoreId: id,
      location,
      sizeBytes,
      redirect: countRedirects(redirectOf(bucket, options, location, log), counts),
    });

  return {
    id,

    async createTemporary(contentType, signal, isReadable = false) {
      signal.throwIfAborted();
      const uniqueId = parts.newUniqueId();
      const key = objectKey(uniqueId, options.prefixLength);
      const object: NewObject = { bucket, key, contentType: cleanType(contentType), partBuffers, log };
      const path = join(spoolFolder ?? tmpdir(), temporaryName(SPOOL_PREFIX, parts.machineId, uniqueId));
      if (spoolFolder === undefined && !isReadable) return createStreamedTemporary(object, path, signal);
      return await createSpooledTemporary(object, path, options.multipartUploads, signal);
    },

    async open(location, signal) {
      const sizeBytes = await bucket.head(location, signal);
      return sizeBytes === undefined ? undefined : asObject(location, sizeBytes);
    },

    async openKnown(location, { sizeBytes }, signal) {
      signal.throwIfAborted();
      return asObject(location, sizeBytes);
    },

    delete: (location, signal) => bucket.delete(location, signal),

    async *list(after, signal) {
      for (let last = after, isLast = false; !isLast; ) {
        const some = await bucket.listSome(last, signal);
        yield* some.objects;
        last = some.objects.at(-1)?.location ?? last;
        isLast = some.isLast;
      }
    },

    checkHealth: (signal) => bucket.probe(signal),

    async [Symbol.asyncDispose]() {
      bucket.close();
    },
  };
}

/** In one piece goes only what is known to its end. */
function spoolFolderOf({ tempPath, multipartUploads }: S3Options): string | undefined {
  if (tempPath !== '') return resolve(tempPath);
  return multipartUploads ? undefined : tmpdir();
}

async function prepareSpool(folder: string, parts: S3DatastoreParts): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await sweepTemporaries(folder, SPOOL_PREFIX, parts);
  } catch (cause) {
    throw new Unavailable(`Datastore "${parts.id}": the folder ${folder} cannot be made or read`, { cause });
  }
}

function redirectOf(bucket: Bucket, options: S3Options, location: Location, log: Log): Redirect | undefined {
  const { publicBaseUrl, signedRedirectSeconds, redirectWhenCached } = options;
  if (signedRedirectSeconds === 0) return redirectBelow(publicBaseUrl, location, redirectWhenCached);
  return {
    isPreferred: redirectWhenCached,
    async url(headers, signal) {
      try {
        return await bucket.sign(location, headers, signedRedirectSeconds, signal);
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error }, 'No redirect can be signed, so the media is sent from here');
        return undefined;
      }
    },
  };
}

import type { S3Options } from '../../config/index.ts';
import type { Location } from '../datastore.ts';
import { waitAtMost } from './patience.ts';
import type { RegionalClient, Sdk } from './s3-client.ts';
import { asDatastoreError } from './s3-errors.ts';

/** What each question is given. */
export interface HowToAsk {
  readonly abortSignal: AbortSignal;
  /** For each try. */
  readonly requestTimeout: number;
}

export interface Question<T> {
  /** Completes "S3 could not …". */
  readonly action: string;
  readonly to: RegionalClient;
  /** So long it may take, with all its tries. */
  readonly ms: number;
  send(client: RegionalClient['client'], how: HowToAsk): Promise<T>;
  /** What an error means, where that is no trouble. */
  mayBe?(error: unknown): { readonly answer: T } | undefined;
}

/** What all questions to a bucket stand on. */
export interface BucketClient {
  readonly sdk: Sdk;
  readonly options: S3Options;
  readonly readers: RegionalClient;
  readonly writers: RegionalClient;
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** @throws {Unavailable} {@link StorageFull} the signal's reason */
export async function ask<T>({ options }: BucketClient, question: Question<T>, signal: AbortSignal): Promise<T> {
  const { action, to, ms, send, mayBe } = question;
  try {
    return await waitAtMost(ms, signal, (abortSignal) =>
      to.inRegion((client) => send(client, { abortSignal, requestTimeout: Math.ceil(ms / 2) })),
    );
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const answer = mayBe?.(error);
    if (answer !== undefined) return answer.answer;
    throw asDatastoreError(error, action, [options.accessKeyId, options.accessSecret]);
  }
}

/** The object, as a command names it. */
export function objectIn({ options }: BucketClient, key: Location) {
  return { Bucket: options.bucketName, Key: key };
}

import type { IncomingMedia } from '../../federation/index.ts';
import type { Follower } from '../received-bytes.ts';
import { ComingBytes, type OpenStored } from './coming-bytes.ts';

/** What those who ask for the media see of its fetch. */
export interface RemoteFetch {
  /** Resolves when there is something to send to those who do not wait for the end. */
  readonly begun: Promise<Begun>;
  /** So much is here that it is not given up any more. */
  readonly isNearlyWhole: () => boolean;
  /** All of it is here, and is only to be stored. */
  readonly isWhole: () => boolean;
}

export interface Begun {
  readonly media: Omit<IncomingMedia, 'body'>;
  readonly bytes: ComingBytes;
}

/** The same, for the one who fetches. */
export interface RemoteFetchProgress extends RemoteFetch {
  follow(media: IncomingMedia): Follower;
  accept(): void;
  store(open: OpenStored): void;
  fail(error: unknown): void;
}

/**
 * So long after the first byte the others may still come: most media is small, and then those who ask get it from the
 * datastore, with its length and its tag, and an answer that is broken is an error and no torso.
 */
const PATIENCE_MS = 25;

export function createRemoteFetch(): RemoteFetchProgress {
  const { promise: begun, resolve: begin } = Promise.withResolvers<Begun>();
  let bytes: ComingBytes | undefined;
  let announcedBytes = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let isWhole = false;
  const end = () => clearTimeout(timer);
  return {
    begun,
    isNearlyWhole: () => isWhole || (bytes !== undefined && bytes.writtenBytes * 2 >= announcedBytes),
    isWhole: () => isWhole,
    follow(media) {
      announcedBytes = media.announcedBytes ?? announcedBytes;
      return {
        begin(temporary) {
          if (temporary.read !== undefined) bytes = new ComingBytes(temporary);
        },
        advance(writtenBytes) {
          if (bytes === undefined || writtenBytes === 0) return;
          timer ??= setTimeout(begin, PATIENCE_MS, { media, bytes });
          bytes.advance(writtenBytes);
        },
        fail(error) {
          end();
          bytes?.fail(error);
        },
      };
    },
    accept() {
      isWhole = true;
      bytes?.accept();
    },
    store(open) {
      end();
      bytes?.store(open);
    },
    fail(error) {
      end();
      bytes?.fail(error);
    },
  };
}

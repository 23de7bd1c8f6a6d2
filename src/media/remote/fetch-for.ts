import type { Config, DomainConfig } from '../../config/index.ts';
import type { MxcUri } from '../../matrix/index.ts';
import type { FetchLoad } from './fetch-turns.ts';

/** Who wants the media of another server. */
export interface FetchFor {
  readonly config: Config;
  /** Its key signs, its limits count, its datastores keep the media. */
  readonly domain: DomainConfig;
}

/** Media of other servers, which becomes media of this repository when somebody asks for it. */
export interface RemoteMedia {
  /**
   * Fetches and stores the media, once for all who ask for it at the same time; given up when all of them have left
   * before the most of it was there. Resolves when it is stored. @param waitMs so long the asker waits
   * @throws {NotFound} {@link Quarantined} {@link Forbidden} {@link RemoteTooLarge} {@link RemoteUnavailable}
   * @throws {NotYetUploaded} when the asker has waited long enough
   */
  fetch(uri: MxcUri, fetchFor: FetchFor, waitMs: number, signal: AbortSignal): Promise<void>;
  /** As `fetch`, for an asker who takes the bytes as they come. `undefined`: it is stored, so short was the wait. */
  follow(uri: MxcUri, fetchFor: FetchFor, waitMs: number, signal: AbortSignal): Promise<ComingMedia | undefined>;
  /** How much is being fetched at this moment. */
  readonly load: FetchLoad;
}

/** Media that is on its way. Dispose it: that tells that nobody waits for it here any more. */
export interface ComingMedia extends Disposable {
  readonly state: 'coming';
  readonly contentType: string;
  /** Empty for none. */
  readonly uploadName: string;
  /** `undefined`: nobody knows yet. */
  readonly sizeBytes: number | undefined;
  /**
   * From the first byte on, at the pace of the reader. A chunk is valid until the next one is asked for.
   * @throws what the fetch fails with, before the last byte
   */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Whether the media belongs to none of our domains. */
export function isRemote({ origin }: MxcUri, { config }: Pick<FetchFor, 'config'>): boolean {
  return !config.domains.has(origin.toLowerCase());
}

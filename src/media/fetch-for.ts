import type { Config, DomainConfig } from '../config/index.ts';
import type { MxcUri } from '../matrix/index.ts';

/** Who wants the media of another server. */
export interface FetchFor {
  readonly config: Config;
  /** Its key signs, its limits count, its datastores keep the media. */
  readonly domain: DomainConfig;
}

/** Media of other servers, which becomes media of this repository when somebody asks for it. */
export interface RemoteMedia {
  /**
   * Fetches and stores the media, once for all who ask for it at the same time; given up when all of them have left.
   * Resolves when it is stored. @param waitMs so long the asker waits
   * @throws {NotFound} {@link Quarantined} {@link Forbidden} {@link RemoteTooLarge} {@link RemoteUnavailable}
   * @throws {NotYetUploaded} when the asker has waited long enough
   */
  fetch(uri: MxcUri, fetchFor: FetchFor, waitMs: number, signal: AbortSignal): Promise<void>;
}

/** Whether the media belongs to none of our domains. */
export function isRemote({ origin }: MxcUri, { config }: Pick<FetchFor, 'config'>): boolean {
  return !config.domains.has(origin.toLowerCase());
}

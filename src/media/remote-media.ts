import { createSingleFlight } from '../cluster/index.ts';
import type { DomainConfig } from '../config/index.ts';
import { findKnownContent, UniqueViolation } from '../database/index.ts';
import { type IncomingMedia, isServerAllowed } from '../federation/index.ts';
import { Forbidden, formatMxcUri, type MxcUri, NotYetUploaded, Quarantined, RemoteTooLarge } from '../matrix/index.ts';
import { createFailedFetches } from './failed-fetches.ts';
import type { FetchFor, RemoteMedia } from './fetch-for.ts';
import { createFetchTurns } from './fetch-turns.ts';
import type { MediaParts } from './media-parts.ts';
import { insertNewMedia } from './media-rows.ts';
import { receiveBytes } from './received-bytes.ts';
import { commitObject, placeObject } from './stored-object.ts';

export interface RemoteMediaStore
  extends Pick<MediaParts, 'database' | 'datastores' | 'locks' | 'records' | 'receiveBuffers' | 'now'> {
  /** Asks the server of the media, in the name of one of our domains. */
  readonly ask: (uri: MxcUri, domain: DomainConfig, signal: AbortSignal) => Promise<IncomingMedia>;
}

const MINUTE_MS = 60_000;

export function createRemoteMedia(parts: RemoteMediaStore): RemoteMedia {
  const share = createSingleFlight<void>();
  const failures = createFailedFetches(parts);
  const turns = createFetchTurns();

  const fetchOnce = async (uri: MxcUri, fetchFor: FetchFor, signal: AbortSignal): Promise<void> => {
    const { downloads } = fetchFor.config;
    using _turn = await turns.take(downloads.numWorkers, signal);
    try {
      await fetchAndStore(parts, uri, fetchFor, signal);
    } catch (error) {
      const keptMs = downloads.failureCacheMinutes * MINUTE_MS;
      if (!signal.aborted) failures.remember(failureKey(uri, fetchFor), error, keptMs);
      throw error;
    }
  };

  return {
    async fetch(uri, fetchFor, waitMs, signal) {
      refuseServer(uri, fetchFor.domain);
      failures.refuse(failureKey(uri, fetchFor));
      const join = (own: AbortSignal) => share(formatMxcUri(uri), own, (shared) => fetchOnce(uri, fetchFor, shared));
      const { promise: isUp, resolve } = Promise.withResolvers<true>();
      const timer = setTimeout(resolve, waitMs, true);
      try {
        const late = await Promise.race([join(signal), isUp]);
        if (late !== true) return;
      } finally {
        clearTimeout(timer);
      }
      // Whoever has waited long enough comes back for it, so it goes on, for as long as asking a server may take.
      join(new AbortController().signal).catch(() => undefined); // remembered, and told to the others
      throw new NotYetUploaded();
    },
  };
}

/** Limits and keys are the domain's own, so what one is refused another one may get. */
function failureKey(uri: MxcUri, { domain }: FetchFor): string {
  return `${domain.serverName} ${formatMxcUri(uri)}`;
}

/** @throws {Forbidden} */
function refuseServer({ origin }: MxcUri, { serverName, federation }: DomainConfig): void {
  if (isServerAllowed(origin, federation.servers.fetchFrom)) return;
  throw new Forbidden(`${serverName} fetches no media from ${origin}`);
}

async function fetchAndStore(
  parts: RemoteMediaStore,
  uri: MxcUri,
  { config, domain }: FetchFor,
  signal: AbortSignal,
): Promise<void> {
  const { db } = parts.database;
  if ((await parts.records.findNow(uri)) !== undefined) return; // somebody was faster
  const datastore = parts.datastores.choose('remote_media', domain.datastores);
  const maxBytes = domain.downloads.maxBytes > 0 ? domain.downloads.maxBytes : Number.POSITIVE_INFINITY;
  const { body, contentType, uploadName, announcedBytes } = await parts.ask(uri, domain, signal);
  const received = await receiveBytes(
    refuseTooMuch(body, announcedBytes, maxBytes),
    datastore,
    contentType,
    parts.receiveBuffers,
    Number.POSITIVE_INFINITY, // looked at above
    signal,
  );
  await using _temporary = received.temporary;
  const media = {
    origin: uri.origin,
    media_id: uri.mediaId,
    user_id: '', // as MMR writes it: nobody of ours has uploaded it
    upload_name: uploadName,
    content_type: contentType,
    sha256_hash: received.sha256,
    size_bytes: received.sizeBytes,
  };
  await using _lock = await parts.locks.acquire(`mutex-${received.sha256}`, signal);
  const content = await findKnownContent(db, media);
  if (content.isQuarantined) throw new Quarantined();
  const placed = await placeObject(parts, datastore, received, content.object, signal);
  try {
    await commitObject(parts.database, placed, insertNewMedia(parts, config, { ...media, ...placed.place }), signal);
  } catch (error) {
    if (!(error instanceof UniqueViolation)) throw error; // else: stored by another process or for another domain
  }
  if (placed.repairs.length > 0) parts.records.forgetAll();
}

/** The announcement may be of a little more than the media, never of less. */
const ENVELOPE_BYTES = 256 * 1024;

/** @throws {RemoteTooLarge} before more than `maxBytes` are passed on, or at once when they are announced */
async function* refuseTooMuch(body: AsyncIterable<Uint8Array>, announcedBytes: number | undefined, maxBytes: number) {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes || (announcedBytes ?? 0) > maxBytes + ENVELOPE_BYTES) {
      throw new RemoteTooLarge(`The media is larger than the ${maxBytes} bytes that are fetched from other servers`);
    }
    yield chunk;
  }
}

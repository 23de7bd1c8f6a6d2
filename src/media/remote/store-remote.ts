import type { Cluster } from '../../cluster/index.ts';
import type { DomainConfig } from '../../config/index.ts';
import { findKnownContent, UniqueViolation } from '../../database/index.ts';
import type { IncomingMedia } from '../../federation/index.ts';
import { type MxcUri, Quarantined, RemoteTooLarge } from '../../matrix/index.ts';
import type { MediaParts } from '../media-parts.ts';
import { insertNewMedia } from '../media-rows.ts';
import { openObject } from '../open-object.ts';
import { receiveBytes } from '../received-bytes.ts';
import { commitObject, placeObject } from '../stored-object.ts';
import type { FetchFor } from './fetch-for.ts';
import type { RemoteFetchProgress } from './remote-fetch.ts';
import { tellPauses } from './tell-pauses.ts';

export interface RemoteMediaStore
  extends Pick<MediaParts, 'database' | 'datastores' | 'hotObjects' | 'locks' | 'records' | 'receiveBuffers' | 'now'> {
  readonly openCache: Cluster['openCache'];
  /** Asks the server of the media, in the name of one of our domains. */
  readonly ask: (uri: MxcUri, domain: DomainConfig, signal: AbortSignal) => Promise<IncomingMedia>;
}

/** The announcement may be of a little more than the media, never of less. */
const ENVELOPE_BYTES = 256 * 1024;

/** Fetches the media and keeps it; keeps nothing of what is broken, too large or not allowed. */
export async function storeRemote(
  parts: RemoteMediaStore,
  uri: MxcUri,
  { config, domain }: FetchFor,
  progress: RemoteFetchProgress,
  signal: AbortSignal,
): Promise<void> {
  const { db } = parts.database;
  const datastore = parts.datastores.choose('remote_media', domain.datastores);
  const maxBytes = domain.downloads.maxBytes > 0 ? domain.downloads.maxBytes : Number.POSITIVE_INFINITY;
  const incoming = await parts.ask(uri, domain, signal);
  const received = await receiveBytes(
    tellPauses(refuseTooMuch(incoming.body, incoming.announcedBytes, maxBytes)),
    datastore,
    incoming.contentType,
    parts.receiveBuffers,
    Number.POSITIVE_INFINITY, // looked at above
    signal,
    progress.follow(incoming),
  );
  await using _temporary = received.temporary;
  const media = {
    origin: uri.origin,
    media_id: uri.mediaId,
    user_id: '', // as MMR writes it: nobody of ours has uploaded it
    upload_name: incoming.uploadName,
    content_type: incoming.contentType,
    sha256_hash: received.sha256,
    size_bytes: received.sizeBytes,
  };
  try {
    await using _lock = await parts.locks.acquire(`mutex-${received.sha256}`, signal);
    const content = await findKnownContent(db, media);
    if (content.isQuarantined) throw new Quarantined();
    progress.accept();
    const placed = await placeObject(parts, datastore, received, content.object, signal);
    const rows = insertNewMedia(parts, config, { ...media, ...placed.place });
    try {
      await commitObject(parts.database, placed, rows, signal);
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error; // else: stored by another process or for another domain
    }
    if (placed.repairs.length > 0) parts.records.forgetAll();
    progress.store((readSignal) => openObject(parts, { ...media, ...placed.place }, readSignal));
  } catch (error) {
    progress.fail(error);
    throw error;
  }
}

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

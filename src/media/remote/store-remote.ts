import type { Cluster } from '../../cluster/index.ts';
import type { DomainConfig } from '../../config/index.ts';
import { findKnownContent, type ObjectPlace, UniqueViolation } from '../../database/index.ts';
import type { IncomingMedia } from '../../federation/index.ts';
import { type MxcUri, Quarantined, RemoteTooLarge } from '../../matrix/index.ts';
import type { MediaParts } from '../media-parts.ts';
import { insertNewMedia } from '../media-rows.ts';
import { openObject } from '../open-object.ts';
import { receiveBytes } from '../received-bytes.ts';
import { storeObject } from '../stored-object.ts';
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
  refuseAnnounced(incoming.announcedBytes, maxBytes);
  const received = await receiveBytes(
    tellPauses(refuseTooMuch(incoming.body, maxBytes)),
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
    const rowsAt = ({ datastore_id, location }: ObjectPlace) =>
      insertNewMedia(parts, config, { ...media, datastore_id, location });
    const place = await storeObject(parts, datastore.id, received, content.object, rowsAt, signal).catch(
      (error: unknown) => findStored(parts, uri, media.sha256_hash, error),
    );
    progress.store((readSignal) => openObject(parts, { ...media, ...place }, readSignal));
  } catch (error) {
    progress.fail(error);
    throw error;
  }
}

/** Where another process has stored the same meanwhile. @throws the error, when it is about something else */
async function findStored(
  { records }: Pick<RemoteMediaStore, 'records'>,
  uri: MxcUri,
  sha256: string,
  error: unknown,
): Promise<ObjectPlace> {
  const stored = error instanceof UniqueViolation ? (await records.findNow(uri))?.media : undefined;
  if (stored?.sha256_hash !== sha256) throw error;
  return { datastore_id: stored.datastore_id, location: stored.location };
}

/** @throws {RemoteTooLarge} */
function refuseAnnounced(announcedBytes: number | undefined, maxBytes: number): void {
  if ((announcedBytes ?? 0) > maxBytes + ENVELOPE_BYTES) throw tooLarge(maxBytes);
}

/** @throws {RemoteTooLarge} before more than `maxBytes` are passed on */
async function* refuseTooMuch(body: AsyncIterable<Uint8Array>, maxBytes: number) {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
}

function tooLarge(maxBytes: number): RemoteTooLarge {
  return new RemoteTooLarge(`The media is larger than the ${maxBytes} bytes that are fetched from other servers`);
}

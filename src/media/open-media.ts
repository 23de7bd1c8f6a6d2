import type { MediaRow } from '../database/index.ts';
import type { StoredObject } from '../datastores/index.ts';
import { InternalError, type MatrixError, type MxcUri, NotFound, Quarantined } from '../matrix/index.ts';
import { awaitMedia } from './awaited-media.ts';
import type { MediaParts } from './media-parts.ts';
import type { MediaRecord } from './media-records.ts';
import { openMediaObject } from './open-media-object.ts';
import { recallObject } from './open-object.ts';
import { type ComingMedia, type FetchFor, isRemote } from './remote/fetch-for.ts';

/** Media with its bytes at hand. Dispose it. */
export interface OpenMedia extends AsyncDisposable, Repeatable {
  readonly state: 'stored';
  readonly record: MediaRow;
  readonly object: StoredObject;
}

/** What may be given again without looking anything up. */
export interface Repeatable {
  /** The object, counted as used, while its media is known to be as it was and the object is in memory. */
  again(): StoredObject | undefined;
}

/** What is known of the asker that decides what may be seen, and when. */
export interface MediaAsker {
  /** Has shown a valid access token; frozen media is for those only. */
  readonly isAuthenticated: boolean;
  /** A token was shown, and nobody could tell whether it is valid. Frozen media is refused with this, then. */
  readonly identityTrouble?: MatrixError | undefined;
  /** So long it waits for media that was announced and has not come yet, here or at another server, in milliseconds. */
  readonly waitMs: number;
  /** For whom media of other servers is fetched; `undefined`: it gets what is stored here. */
  readonly fetchFor?: FetchFor | undefined;
}

/**
 * The record, if this asker may see the media.
 * @throws {NotFound} also for media that is frozen for those without a token (FZ-3)
 * @throws the asker's `identityTrouble` when the media is frozen and a token might have shown it
 * @throws {Quarantined}
 * @throws {NotYetUploaded} when the asker has waited long enough
 */
export async function findVisibleMedia(
  parts: MediaParts,
  uri: MxcUri,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<MediaRow> {
  const here = await findHere(parts, uri, asker, signal);
  const fetchFor = here === undefined ? whoFetches(uri, asker) : undefined;
  if (fetchFor === undefined) return visible(here, asker);
  await parts.remoteMedia.fetch(uri, fetchFor, asker.waitMs, signal);
  return visible(await parts.records.findNow(uri), asker);
}

async function findHere(parts: MediaParts, uri: MxcUri, asker: MediaAsker, signal: AbortSignal) {
  return (await parts.records.find(uri, signal)) ?? (await awaitMedia(parts, uri, asker.waitMs, signal));
}

function visible(found: MediaRecord | undefined, asker: MediaAsker): MediaRow {
  if (found === undefined) throw new NotFound();
  if (found.requiresAuthentication && !asker.isAuthenticated) throw refusalOfFrozen(asker);
  if (found.media.quarantined) throw new Quarantined();
  return found.media;
}

/** `undefined`: there is nobody to ask, or nobody may be asked. @throws {NotFound} when this asker would not get it */
function whoFetches(uri: MxcUri, asker: MediaAsker): FetchFor | undefined {
  const { fetchFor } = asker;
  if (fetchFor === undefined || !isRemote(uri, fetchFor)) return undefined;
  // What is fetched now is frozen at once, so nothing is fetched for those who would not get it.
  if (fetchFor.config.repo.freezeUnauthenticatedMedia && !asker.isAuthenticated) throw refusalOfFrozen(asker);
  return fetchFor;
}

function refusalOfFrozen({ identityTrouble }: MediaAsker): MatrixError {
  const hint = 'This media needs an access token: use the endpoints below /_matrix/client/v1/media';
  return identityTrouble ?? new NotFound(hint);
}

/** @throws {NotFound} {@link Unavailable} when the datastore is away; {@link InternalError} when the object is lost */
export async function openMedia(
  parts: MediaParts,
  uri: MxcUri,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<OpenMedia> {
  return await openFound(parts, uri, await findVisibleMedia(parts, uri, asker, signal), asker, signal);
}

/** As {@link openMedia}, for an asker who takes media of another server as it comes. */
export async function followMedia(
  parts: MediaParts,
  uri: MxcUri,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<OpenMedia | ComingMedia> {
  const here = await findHere(parts, uri, asker, signal);
  const fetchFor = here === undefined ? whoFetches(uri, asker) : undefined;
  if (fetchFor === undefined) return await openFound(parts, uri, visible(here, asker), asker, signal);
  const coming = await parts.remoteMedia.follow(uri, fetchFor, asker.waitMs, signal);
  return coming ?? (await openFound(parts, uri, visible(await parts.records.findNow(uri), asker), asker, signal));
}

async function openFound(
  parts: MediaParts,
  uri: MxcUri,
  found: MediaRow,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<OpenMedia> {
  const { record, object } = await openWhereItIs(parts, uri, found, asker, signal);
  parts.usage.touch(record.sha256_hash);
  return {
    state: 'stored',
    record,
    object,
    again: () => (parts.records.isCurrent(uri, record) ? recallObject(parts, record.sha256_hash) : undefined),
    [Symbol.asyncDispose]: () => object[Symbol.asyncDispose](),
  };
}

/** A record that was found before its object expired, and was perhaps fetched anew, is looked for once more. */
async function openWhereItIs(
  parts: MediaParts,
  uri: MxcUri,
  found: MediaRow,
  asker: MediaAsker,
  signal: AbortSignal,
): Promise<{ readonly record: MediaRow; readonly object: StoredObject }> {
  try {
    return { record: found, object: await openMediaObject(parts, found, signal) };
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    const media = (await parts.records.findNow(uri))?.media;
    if (media?.location === found.location && media.datastore_id === found.datastore_id) throw error;
    parts.records.forgetAll();
    const record = await findVisibleMedia(parts, uri, asker, signal);
    return { record, object: await openMediaObject(parts, record, signal) };
  }
}

import {
  countMediaAt,
  type DescribedObject,
  findDescribedObjects,
  findMediaAt,
  isReferenced,
  type ObjectPlace,
  type REFERRING_TABLES,
} from '../../database/index.ts';
import type { Datastore } from '../../datastores/index.ts';
import { formatMxcUri } from '../../matrix/index.ts';
import { isBlocked } from '../is-blocked.ts';
import type { CheckedPage, CheckOptions, CheckParts } from './check-parts.ts';
import { findTrouble } from './find-trouble.ts';
import type { BrokenObject, ToldFinding } from './finding.ts';
import { repairBroken } from './repair-broken.ts';

const PAGE = 200;
/** Looking is but a question. To read them to their ends is work for a disk. */
const LOOKED_AT_ONCE = 32;
const READ_AT_ONCE = 8;
const MAX_TOLD_MEDIA = 20;

/** Looks for the object of each row of a table that points into a datastore, page by page. */
export async function* checkRows(
  parts: CheckParts,
  options: CheckOptions,
  datastore: Datastore,
  table: (typeof REFERRING_TABLES)[number],
  after: string,
  signal: AbortSignal,
): AsyncGenerator<CheckedPage> {
  const { db } = parts.database.patient(signal);
  const atOnce = options.hashes ? READ_AT_ONCE : LOOKED_AT_ONCE;
  for (;;) {
    const page = await findDescribedObjects(db, table, datastore.id, after, PAGE);
    const last = page.at(-1);
    if (last === undefined) return;
    const findings: ToldFinding[] = [];
    let blocked = 0;
    for (let start = 0; start < page.length; start += atOnce) {
      signal.throwIfAborted();
      const some = page.slice(start, start + atOnce);
      const looked = await Promise.all(some.map((due) => look(parts, options, datastore, due, signal)));
      for (const found of looked) {
        if (found === undefined) continue;
        if (found === 'blocked') blocked += 1;
        else findings.push({ ...found, repair: await repair(parts, options, found, signal) });
      }
    }
    after = last.location;
    yield { after, totals: { rows: page.length, blocked }, findings };
  }
}

async function look(
  parts: CheckParts,
  { hashes }: CheckOptions,
  datastore: Datastore,
  due: DescribedObject,
  signal: AbortSignal,
): Promise<BrokenObject | 'blocked' | undefined> {
  const place = { datastore_id: datastore.id, location: due.location };
  const trouble = await findTrouble(datastore, due, hashes, signal);
  if (trouble === undefined) return undefined;
  // It may have moved or been deleted, and the rows with it, since they were read.
  if (!(await isReferenced(parts.database.db, place))) return undefined;
  if (trouble.kind === 'rows without object' && (await isBlocked(parts.database.db, place))) return 'blocked';
  return { ...trouble, ...place, ...dueOf(due), ...(await mediaAt(parts, place)) };
}

/** Nobody knows what an object is that cannot be read: it may be whole. */
async function repair(
  parts: CheckParts,
  options: CheckOptions,
  found: BrokenObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!options.repair || found.kind === 'unreadable object') return undefined;
  return await repairBroken(parts, found, signal);
}

async function mediaAt({ database: { db } }: CheckParts, place: ObjectPlace) {
  const media = await findMediaAt(db, place, undefined, MAX_TOLD_MEDIA);
  const uris = media.map(({ origin, media_id }) => formatMxcUri({ origin, mediaId: media_id }));
  const isAll = media.length < MAX_TOLD_MEDIA;
  return { media: uris, mediaCount: isAll ? media.length : await countMediaAt(db, place) };
}

function dueOf({ size_bytes, sha256_hash }: DescribedObject) {
  return { dueBytes: size_bytes, dueSha256: sha256_hash };
}

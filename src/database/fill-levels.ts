import { distinctDatastoreIds, TABLES } from './objects.ts';
import type { Db } from './tables.ts';

/** Fewer objects do not tell much about the others: their sizes differ too widely. */
const ENOUGH_OBJECTS = 5_000;
/** Names of objects begin with random hexadecimal digits, so each of these is a fair sample: of 256, of 16, and the whole. */
const SAMPLES = [
  { from: '5a', to: '5b', times: 256 },
  { from: '5', to: '6', times: 16 },
  { from: '', to: undefined, times: 1 },
] as const;

/**
 * How much each datastore holds, by what the rows say. An object that several rows share counts once. Of many objects only a
 * sample is looked at, along an index: to group millions of rows would keep the database busy.
 */
export async function measureDatastores(db: Db): Promise<ReadonlyMap<string, number>> {
  const levels = new Map<string, number>();
  for (const id of await distinctDatastoreIds(db, TABLES)) levels.set(id, await measure(db, id));
  return levels;
}

async function measure(db: Db, datastoreId: string): Promise<number> {
  let bytes = 0;
  for (const { from, to, times } of SAMPLES) {
    const found = await sumObjects(db, datastoreId, from, to);
    bytes = found.bytes * times;
    if (found.objects >= ENOUGH_OBJECTS) break;
  }
  return bytes;
}

/** Of the locations from `from` up to, and not including, `to`. */
async function sumObjects(db: Db, datastoreId: string, from: string, to: string | undefined) {
  const rowsOf = (table: (typeof TABLES)[number]) => {
    const rows = db
      .selectFrom(table)
      .select(['location', 'size_bytes'])
      .where('datastore_id', '=', datastoreId)
      .where('location', '>', from);
    return to === undefined ? rows : rows.where('location', '<', to);
  };
  const objects = db
    .selectFrom(
      TABLES.slice(1)
        .reduce((all, table) => all.unionAll(rowsOf(table)), rowsOf(TABLES[0]))
        .as('shared'),
    )
    .select(({ fn }) => ['location', fn.max('size_bytes').as('size_bytes')])
    .groupBy('location');
  const sums = await db
    .selectFrom(objects.as('objects'))
    .select(({ fn }) => [fn.countAll().as('objects'), fn.sum<number | string | null>('size_bytes').as('bytes')])
    .executeTakeFirst();
  return { objects: Number(sums?.objects ?? 0), bytes: Number(sums?.bytes ?? 0) };
}

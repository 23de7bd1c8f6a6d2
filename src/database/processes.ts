import { sql } from 'kysely';
import type { Database } from './database.ts';
import { databaseClock } from './database-clock.ts';
import type { ProcessRow } from './tables.ts';

/** A process as it describes itself. */
export type NewProcess = Omit<ProcessRow, 'beats' | 'beat_ts'>;

export interface SeenProcess extends ProcessRow {
  /** Since its last beat, by the clock of the database, in milliseconds. Below 0 after that clock has jumped back. */
  readonly silentMs: number;
}

/** Which processes use the database. Each statement stands for itself, so that any pooler may stand in between. */
export interface ProcessTable {
  list(): Promise<readonly SeenProcess[]>;
  /** @returns whether the machine ID was free */
  add(process: NewProcess): Promise<boolean>;
  /** @returns whether the other one was still as it was seen */
  replace(process: NewProcess, seen: Pick<ProcessRow, 'machine_id' | 'instance' | 'beats'>): Promise<boolean>;
  /** @returns whether the row is still there */
  beat(process: NewProcess): Promise<boolean>;
  remove(process: NewProcess): Promise<void>;
}

export function createProcessTable(database: Database): ProcessTable {
  const { db } = database;
  const now = databaseClock(database);
  return {
    async list() {
      return await db
        .selectFrom('vitrine_processes')
        .selectAll()
        .select(sql<number>`${now} - beat_ts`.as('silentMs'))
        .orderBy('machine_id')
        .execute();
    },
    async add(process) {
      const added = await db
        .insertInto('vitrine_processes')
        .values({ ...process, beats: 0, beat_ts: now })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return added.numInsertedOrUpdatedRows === 1n;
    },
    async replace(process, { machine_id, instance, beats }) {
      const replaced = await db
        .updateTable('vitrine_processes')
        .set({ ...process, beats: 0, beat_ts: now })
        .where((where) => where.and({ machine_id, instance, beats }))
        .executeTakeFirst();
      return replaced.numUpdatedRows === 1n;
    },
    async beat({ machine_id, instance }) {
      const beaten = await db
        .updateTable('vitrine_processes')
        .set({ beats: sql`beats + 1`, beat_ts: now })
        .where((where) => where.and({ machine_id, instance }))
        .executeTakeFirst();
      return beaten.numUpdatedRows === 1n;
    },
    async remove({ machine_id, instance }) {
      await db
        .deleteFrom('vitrine_processes')
        .where((where) => where.and({ machine_id, instance }))
        .execute();
    },
  };
}

import { sql } from 'kysely';
import type { CompilableQuery, Database } from './database.ts';
import { databaseClock } from './database-clock.ts';
import type { Db, LeaseRow } from './tables.ts';

/** As it is now; `undefined`: nobody has it. */
export function findLease(db: Db, name: string): Promise<LeaseRow | undefined> {
  return db.selectFrom('vitrine_leases').selectAll().where('name', '=', name).executeTakeFirst();
}

/** @returns whether nobody had it */
export async function addLease(db: Db, lease: LeaseRow): Promise<boolean> {
  const added = await db
    .insertInto('vitrine_leases')
    .values(lease)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return added.numInsertedOrUpdatedRows === 1n;
}

/** Takes it from its holder, or renews it. @returns whether it was still as it was seen */
export async function replaceLease(db: Db, seen: LeaseRow, holder: string): Promise<boolean> {
  const { name, expires_ts } = seen;
  const replaced = await db
    .updateTable('vitrine_leases')
    .set({ holder, expires_ts: expires_ts + 1 })
    .where((where) => where.and({ name, holder: seen.holder, expires_ts }))
    .executeTakeFirst();
  return replaced.numUpdatedRows === 1n;
}

export function releaseLease(db: Db, name: string, holder: string): CompilableQuery {
  return db.deleteFrom('vitrine_leases').where('name', '=', name).where('holder', '=', holder);
}

/** A time that is to pass begins now, for all who share the database. {@link releaseLease} ends it. */
export function startInterval(
  database: Pick<Database, 'db' | 'engine'>,
  name: string,
  holder: string,
  lengthMs: number,
): CompilableQuery {
  const values = { holder, expires_ts: sql<number>`${databaseClock(database)} + ${lengthMs}` };
  return database.db
    .insertInto('vitrine_leases')
    .values({ name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values));
}

export interface RunningInterval {
  /** Who has begun it. */
  readonly holder: string;
  readonly expires_ts: number;
  /** By the clock of the database; 0 or less: it is over. */
  readonly restMs: number;
}

/** @returns `undefined`: it has never begun, or was ended */
export function findInterval(
  database: Pick<Database, 'db' | 'engine'>,
  name: string,
): Promise<RunningInterval | undefined> {
  return database.db
    .selectFrom('vitrine_leases')
    .select(['holder', 'expires_ts', sql<number>`expires_ts - ${databaseClock(database)}`.as('restMs')])
    .where('name', '=', name)
    .executeTakeFirst();
}

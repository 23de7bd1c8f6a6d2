import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';

/** The time of day where the database is, in milliseconds since 1970: one clock for all who share it. */
export function databaseClock({ engine }: Pick<Database, 'engine'>): RawBuilder<number> {
  return engine === 'postgres'
    ? sql<number>`(extract(epoch FROM clock_timestamp()) * 1000)::bigint`
    : sql<number>`CAST(unixepoch('subsec') * 1000 AS INTEGER)`;
}

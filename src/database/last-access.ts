import type { CompilableQuery } from './database.ts';
import type { Db } from './tables.ts';

/** Notes that content was used at `ts`. An older time does not replace a newer one. */
export function touchLastAccess(db: Db, sha256: string, ts: number): CompilableQuery {
  return db
    .insertInto('last_access')
    .values({ sha256_hash: sha256, last_access_ts: ts })
    .onConflict((conflict) =>
      conflict.column('sha256_hash').doUpdateSet({ last_access_ts: ts }).where('last_access.last_access_ts', '<', ts),
    );
}

import type { CompilableQuery } from './database.ts';
import type { Db } from './tables.ts';

/** Notes that content was used at `ts`. An older time does not replace a newer one. */
export function touchLastAccess(db: Db, sha256: string, ts: number): CompilableQuery {
  return touchManyLastAccesses(db, [[sha256, ts]]);
}

/** As {@link touchLastAccess}, for each pair; none may stand there twice. At most 1000: parameters are limited. */
export function touchManyLastAccesses(
  db: Db,
  uses: readonly (readonly [sha256: string, ts: number])[],
): CompilableQuery {
  return db
    .insertInto('last_access')
    .values(uses.map(([sha256_hash, last_access_ts]) => ({ sha256_hash, last_access_ts })))
    .onConflict((conflict) =>
      conflict
        .column('sha256_hash')
        .doUpdateSet(({ ref }) => ({ last_access_ts: ref('excluded.last_access_ts') }))
        .whereRef('last_access.last_access_ts', '<', 'excluded.last_access_ts'),
    );
}

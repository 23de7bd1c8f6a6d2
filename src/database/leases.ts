import type { CompilableQuery } from './database.ts';
import type { Db } from './tables.ts';

/** Takes what nobody holds any more, or holds on to it. @returns whether the holder has it now */
export async function takeLease(
  db: Db,
  name: string,
  holder: string,
  now: number,
  expiresTs: number,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('vitrine_leases')
    .values({ name, holder, expires_ts: expiresTs })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ holder, expires_ts: expiresTs })
        .where((where) =>
          where.or([where('vitrine_leases.expires_ts', '<=', now), where('vitrine_leases.holder', '=', holder)]),
        ),
    )
    .executeTakeFirstOrThrow();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

export function releaseLease(db: Db, name: string, holder: string): CompilableQuery {
  return db.deleteFrom('vitrine_leases').where('name', '=', name).where('holder', '=', holder);
}

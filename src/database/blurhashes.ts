import type { CompilableQuery } from './database.ts';
import type { Db } from './tables.ts';

export async function findBlurhash(db: Db, origin: string, mediaId: string): Promise<string | undefined> {
  const found = await db
    .selectFrom('vitrine_blurhashes')
    .select('blurhash')
    .where('origin', '=', origin)
    .where('media_id', '=', mediaId)
    .executeTakeFirst();
  return found?.blurhash;
}

/** The newest one counts. */
export function saveBlurhash(db: Db, origin: string, mediaId: string, blurhash: string): CompilableQuery {
  return db
    .insertInto('vitrine_blurhashes')
    .values({ origin, media_id: mediaId, blurhash })
    .onConflict((conflict) => conflict.columns(['origin', 'media_id']).doUpdateSet({ blurhash }));
}

import type { CompilableQuery } from './database.ts';
import type { Db } from './tables.ts';

/** The one condition that there is. MMR serves media freely whose row says anything else. */
export const requiresAuthenticationCondition = {
  condition_type: 'io.t2bot.requires_authentication',
  condition_value: 'true',
} as const;

/** Whether this media, which need not exist, is for logged-in askers only. */
export async function requiresAuthentication(db: Db, origin: string, mediaId: string): Promise<boolean> {
  const found = await db
    .selectFrom('restricted_media')
    .select('media_id')
    .where('origin', '=', origin)
    .where('media_id', '=', mediaId)
    .where((where) => where.and(requiresAuthenticationCondition))
    .executeTakeFirst();
  return found !== undefined;
}

/** Changes nothing for a media that has a condition already. */
export function restrictToAuthenticated(db: Db, origin: string, mediaId: string): CompilableQuery {
  return db
    .insertInto('restricted_media')
    .values({ origin, media_id: mediaId, ...requiresAuthenticationCondition })
    .onConflict((conflict) => conflict.doNothing());
}

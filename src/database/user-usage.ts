import type { Db } from './tables.ts';

/** What a user keeps here. Media of equal content counts each time that it was uploaded under another URI. */
export interface UserUsage {
  readonly bytes: number;
  readonly files: number;
}

export async function findUserUsage(db: Db, userId: string): Promise<UserUsage> {
  const [stats, media] = await Promise.all([
    db.selectFrom('user_stats').select('uploaded_bytes').where('user_id', '=', userId).executeTakeFirst(),
    db
      .selectFrom('media')
      .select(({ fn }) => fn.countAll().as('files'))
      .where('user_id', '=', userId)
      .executeTakeFirst(),
  ]);
  return { bytes: stats?.uploaded_bytes ?? 0, files: Number(media?.files ?? 0) };
}

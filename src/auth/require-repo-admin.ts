import { Forbidden } from '../matrix/index.ts';
import type { Asker } from './auth.ts';
import { requireUser } from './require-user.ts';

/**
 * For the endpoints of those who run the repository. Never 401, as MMR answers: a client would log its user out.
 * @throws {GuestsForbidden} {@link Forbidden}
 */
export function requireRepoAdmin(asker: Asker): void {
  requireUser(asker);
  if (!asker.isRepoAdmin) throw new Forbidden('This endpoint is for the administrators of this media repository');
}

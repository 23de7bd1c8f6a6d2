import { GuestsForbidden } from '../matrix/index.ts';
import type { Asker } from './auth.ts';

/** For the endpoints that guests may not use. @throws {GuestsForbidden} */
export function requireUser(asker: Asker): void {
  if (asker.isGuest) throw new GuestsForbidden();
}

import { type Auth, requireRepoAdmin } from '../../auth/index.ts';
import { askerOf, authenticated } from '../authenticate.ts';
import type { Gate } from './route.ts';

/** For hooks: lets pass those who are named in `admins`, from whichever domain, and the holder of the shared secret. */
export function authenticatedRepoAdmin(auth: Auth): Gate {
  const authenticate = authenticated(auth);
  return async (request) => {
    await authenticate(request);
    requireRepoAdmin(askerOf(request));
  };
}

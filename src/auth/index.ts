export { type Asker, type Auth, type AuthParts, type Credentials, createAuth } from './auth.ts';
export { readToken } from './read-token.ts';
export { requireRepoAdmin } from './require-repo-admin.ts';
export { requireUser } from './require-user.ts';

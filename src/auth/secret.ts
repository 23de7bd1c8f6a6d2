import { hash, timingSafeEqual } from 'node:crypto';

/** What is kept of a secret in order to recognise it. */
export type SecretDigest = Buffer & { readonly brand: 'SecretDigest' };

export function digestSecret(secret: string): SecretDigest {
  return hash('sha256', secret, 'buffer') as SecretDigest; // the only cast to this type
}

/** Takes the same time wherever the two differ, and tells nothing of their lengths. */
export function isSameSecret(one: SecretDigest, other: SecretDigest): boolean {
  return timingSafeEqual(one, other);
}

import { timingSafeEqual } from 'node:crypto';

/** A secret of the configuration, ready to be compared with. */
export type Secret = Buffer & { readonly brand: 'Secret' };

export function prepareSecret(text: string): Secret {
  return Buffer.from(text) as Secret; // the only cast to this type
}

/** Takes the same time wherever two texts of one length differ. How long a secret is need not be one. */
export function isSameSecret(given: string, secret: Secret): boolean {
  const bytes = Buffer.from(given);
  return bytes.length === secret.length && timingSafeEqual(bytes, secret);
}

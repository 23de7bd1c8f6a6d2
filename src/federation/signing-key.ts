import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomInt } from 'node:crypto';
import { encodeUnpaddedBase64 } from '../matrix/index.ts';
import { findVersionProblem, type KeyId } from './key-id.ts';

/** A key of ours. `KeyObject` shows nothing of the secret when it is printed or made JSON of. */
export interface SigningKey {
  readonly keyId: KeyId;
  readonly privateKey: KeyObject;
}

/** Of the private key, in bytes. */
export const SEED_BYTES = 32;

/**
 * @param seed the 32 bytes that a key file holds
 * @throws {RangeError} for another number of bytes, or a version that no key ID can have
 */
export function makeSigningKey(version: string, seed: Uint8Array): SigningKey {
  const problem = findVersionProblem(version);
  if (problem !== undefined) throw new RangeError(`The version of the key cannot be used: ${problem}`);
  if (seed.length !== SEED_BYTES) throw new RangeError(`A key has ${SEED_BYTES} bytes, not ${seed.length}`);
  const privateKey = createPrivateKey({
    key: Buffer.from(seed),
    format: 'raw-private',
    asymmetricKeyType: 'ed25519',
  });
  return { keyId: `ed25519:${version}`, privateKey };
}

const VERSION_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const VERSION_LENGTH = 6;

/** A new key with a version that no earlier key of the server is likely to have had. */
export function generateSigningKey(): SigningKey {
  const letters = Array.from({ length: VERSION_LENGTH }, () => VERSION_ALPHABET[randomInt(VERSION_ALPHABET.length)]);
  return { keyId: `ed25519:${letters.join('')}`, privateKey: generateKeyPairSync('ed25519').privateKey };
}

export function versionOf({ keyId }: SigningKey): string {
  return keyId.slice(keyId.indexOf(':') + 1);
}

/** The secret itself, for a key file. */
export function seedOf({ privateKey }: SigningKey): Buffer {
  return privateKey.export({ format: 'raw-private' });
}

/** What other servers check signatures with. */
export function verifyKeyOf({ privateKey }: SigningKey): KeyObject {
  return createPublicKey(privateKey);
}

/** The public half as servers publish it: unpadded base64. */
export function publicTextOf(key: SigningKey): string {
  return encodeUnpaddedBase64(verifyKeyOf(key).export({ format: 'raw-public' }));
}

/** @param bytes of the public half; `undefined` when they are no Ed25519 key */
export function readVerifyKey(bytes: Uint8Array): KeyObject | undefined {
  if (bytes.length !== SEED_BYTES) return undefined;
  return createPublicKey({ key: Buffer.from(bytes), format: 'raw-public', asymmetricKeyType: 'ed25519' });
}

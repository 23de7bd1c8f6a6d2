import { type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson, decodeBase64, encodeUnpaddedBase64 } from '../matrix/index.ts';
import type { KeyId } from './key-id.ts';
import type { SigningKey } from './signing-key.ts';

/** What `JSON.parse` makes of an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

const SIGNATURE_BYTES = 64;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The object with one signature more, by this server and key; `unsigned` and the other signatures stay as they were.
 * Specification: Appendices, "Signing JSON". @throws {BadJson} when it has no canonical form
 */
export function signJson<Signed extends JsonObject>(
  object: Signed,
  serverName: string,
  key: SigningKey,
): Signed & { readonly signatures: JsonObject } {
  const signatures = isJsonObject(object['signatures']) ? object['signatures'] : {};
  const own = isJsonObject(signatures[serverName]) ? signatures[serverName] : {};
  const signature = signText(textToSign(object), key);
  return { ...object, signatures: { ...signatures, [serverName]: { ...own, [key.keyId]: signature } } };
}

/**
 * Whether the object has a good signature of this server with this key.
 * Specification: Appendices, "Checking for a Signature". @throws {BadJson} when it has no canonical form
 */
export function verifyJson(object: JsonObject, serverName: string, keyId: KeyId, verifyKey: KeyObject): boolean {
  const signature = signatureIn(object, serverName, keyId);
  return signature !== undefined && isGoodSignature(textToSign(object), signature, verifyKey);
}

/** In unpadded base64. */
export function signText(text: string, { privateKey }: SigningKey): string {
  return encodeUnpaddedBase64(sign(null, Buffer.from(text), privateKey));
}

/** @param signature in base64; what is not is no good signature */
export function isGoodSignature(text: string, signature: string, verifyKey: KeyObject): boolean {
  const bytes = decodeBase64(signature);
  return bytes?.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), verifyKey, bytes);
}

function textToSign({ signatures: _signatures, unsigned: _unsigned, ...signed }: JsonObject): string {
  return canonicalJson(signed);
}

function signatureIn({ signatures }: JsonObject, serverName: string, keyId: KeyId): string | undefined {
  if (!isJsonObject(signatures) || !Object.hasOwn(signatures, serverName)) return undefined;
  const own = signatures[serverName];
  const signature = isJsonObject(own) && Object.hasOwn(own, keyId) ? own[keyId] : undefined;
  return typeof signature === 'string' ? signature : undefined;
}

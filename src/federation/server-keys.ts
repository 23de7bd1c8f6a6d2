import type { KeyObject } from 'node:crypto';
import { decodeBase64, type ServerName } from '../matrix/index.ts';
import { type KeyId, parseKeyId } from './key-id.ts';
import { isJsonObject, type JsonObject, verifyJson } from './sign-json.ts';
import { readVerifyKey } from './signing-key.ts';

/** The keys with which a server signs now. */
export interface ServerKeys {
  readonly serverName: ServerName;
  readonly verifyKeys: ReadonlyMap<KeyId, KeyObject>;
  /** After it no key may be used until it has been fetched again. */
  readonly validUntilTs: number;
}

/** A key document that proves nothing. */
export class UnusableServerKeys extends Error {}

const DAY_MS = 86_400_000;
/** However long a server says that its keys are valid: a stolen one has to end some day. */
const MAX_VALIDITY_MS = 7 * DAY_MS;
/** Each costs a verification. No server has more than a few. */
const MAX_KEYS = 32;

/**
 * Checks a key document, from the server itself or from a notary. Every key in it has to have signed it: a key that
 * somebody has slipped in, or that was copied from another server, cannot.
 * Specification: Server-Server API, "Retrieving server keys".
 * @param document what `JSON.parse` made of it
 * @throws {UnusableServerKeys} saying why @throws {BadJson} when it cannot have been signed
 */
export function readServerKeys(document: unknown, serverName: ServerName, nowTs: number): ServerKeys {
  if (!isJsonObject(document)) throw new UnusableServerKeys('The answer is not an object');
  if (document['server_name'] !== serverName) throw new UnusableServerKeys('The keys are those of another server');
  const validUntilTs = validityOf(document);
  if (validUntilTs <= nowTs) throw new UnusableServerKeys('The keys are not valid any more');
  const verifyKeys = readVerifyKeys(document);
  for (const [keyId, key] of verifyKeys) {
    if (!verifyJson(document, serverName, keyId, key)) {
      throw new UnusableServerKeys(`The keys are not signed with the key ${keyId}, or badly`);
    }
  }
  for (const keyId of Object.keys(membersOf(document, 'old_verify_keys'))) verifyKeys.delete(keyId as KeyId); // any text
  return { serverName, verifyKeys, validUntilTs: Math.min(validUntilTs, nowTs + MAX_VALIDITY_MS) };
}

/** When to fetch keys again that have been fetched now. */
export function halfOfValidity({ validUntilTs }: ServerKeys, nowTs: number): number {
  return (nowTs + validUntilTs) / 2;
}

/** @throws {UnusableServerKeys} */
export function validityOf({ valid_until_ts: validUntilTs }: JsonObject): number {
  if (typeof validUntilTs === 'number' && Number.isSafeInteger(validUntilTs)) return validUntilTs;
  throw new UnusableServerKeys('The keys do not say until when they are valid');
}

/** Those of Ed25519; keys of algorithms to come are none of ours. */
function readVerifyKeys(document: JsonObject): Map<KeyId, KeyObject> {
  const members = Object.entries(membersOf(document, 'verify_keys'));
  if (members.length > MAX_KEYS) throw new UnusableServerKeys(`There are more than ${MAX_KEYS} keys`);
  const keys = new Map<KeyId, KeyObject>();
  for (const [name, member] of members) {
    const keyId = parseKeyId(name);
    if (keyId === undefined) continue;
    const text = isJsonObject(member) ? member['key'] : undefined;
    const bytes = typeof text === 'string' ? decodeBase64(text) : undefined;
    const key = bytes === undefined ? undefined : readVerifyKey(bytes);
    if (key === undefined) throw new UnusableServerKeys(`${keyId} is no Ed25519 key`);
    keys.set(keyId, key);
  }
  if (keys.size === 0) throw new UnusableServerKeys('There is no Ed25519 key');
  return keys;
}

function membersOf(document: JsonObject, name: string): JsonObject {
  const members = document[name];
  return isJsonObject(members) ? members : {};
}

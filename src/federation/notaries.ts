import { MatrixError, type ServerName } from '../matrix/index.ts';
import { type BatchedQuestions, createBatchedQuestions } from './batched-questions.ts';
import { readServerKeys, type ServerKeys, UnusableServerKeys, validityOf } from './server-keys.ts';
import { isJsonObject, type JsonObject, verifyJson } from './sign-json.ts';

/**
 * Asks another server and gives the parsed JSON of its answer. Bounds size and time, and rejects for every status but 200.
 * @param path with the query, beginning with `/_matrix/`
 */
export type GetJson = (serverName: ServerName, path: string, signal: AbortSignal) => Promise<unknown>;
/** The same, with a body. */
export type PostJson = (serverName: ServerName, path: string, body: unknown, signal: AbortSignal) => Promise<unknown>;

export interface NotaryParts {
  readonly getJson: GetJson;
  /** Without it, each server is asked about by a question of its own. */
  readonly postJson?: PostJson | undefined;
  /** The notary's own keys, from the notary itself. Rejects when there are none. */
  readonly keysOf: (notary: ServerName, signal: AbortSignal) => Promise<ServerKeys>;
  readonly now: () => number;
}

/** What a notary says about the keys of a server; `undefined` when it has nothing that proves anything. */
export type AskNotary = BatchedQuestions<ServerName, ServerKeys>;

const MAX_SERVERS = 50;
/** Documents in one answer; a notary may have several for a server. */
const MAX_DOCUMENTS = 4 * MAX_SERVERS;

/** Specification: Server-Server API, "Querying keys through another server". */
export function createNotary(notary: ServerName, parts: NotaryParts): AskNotary {
  const { getJson, postJson, keysOf, now } = parts;
  if (postJson === undefined) {
    return async (serverName, signal) => {
      const keys = await keysOf(notary, signal);
      const path = `/_matrix/key/v2/query/${encodeURIComponent(serverName)}?minimum_valid_until_ts=${now()}`;
      return readAnswer(await getJson(notary, path, signal), [serverName], keys, now()).get(serverName);
    };
  }
  return createBatchedQuestions(MAX_SERVERS, async (serverNames, signal) => {
    const keys = await keysOf(notary, signal);
    // All keys of each; without minimum_valid_until_ts, which belongs to single keys, they are to be valid now.
    const body = { server_keys: Object.fromEntries(serverNames.map((serverName) => [serverName, {}])) };
    return readAnswer(await postJson(notary, '/_matrix/key/v2/query', body, signal), serverNames, keys, now());
  });
}

/** Of several documents for one server, the one that is valid longest. */
function readAnswer(
  answer: unknown,
  asked: readonly ServerName[],
  notaryKeys: ServerKeys,
  nowTs: number,
): ReadonlyMap<ServerName, ServerKeys> {
  const found = new Map<ServerName, ServerKeys>();
  const statedTs = new Map<ServerName, number>();
  for (const document of documentsIn(answer)) {
    const serverName = asked.find((name) => name === document['server_name']);
    if (serverName === undefined) continue;
    const keys = readNotarised(document, serverName, notaryKeys, nowTs);
    if (keys === undefined || validityOf(document) <= (statedTs.get(serverName) ?? 0)) continue;
    statedTs.set(serverName, validityOf(document));
    found.set(serverName, keys);
  }
  return found;
}

/** @throws {UnusableServerKeys} when it is not the list that was asked for */
function documentsIn(answer: unknown): readonly JsonObject[] {
  const list = isJsonObject(answer) ? answer['server_keys'] : undefined;
  if (!Array.isArray(list)) throw new UnusableServerKeys('The notary gave no list of keys');
  return list.filter(isJsonObject).slice(0, MAX_DOCUMENTS);
}

/** Signed by the notary, and by the server itself: neither can do without the other. */
function readNotarised(
  document: JsonObject,
  serverName: ServerName,
  notary: ServerKeys,
  nowTs: number,
): ServerKeys | undefined {
  try {
    const isNotarised = [...notary.verifyKeys].some(([keyId, key]) =>
      verifyJson(document, notary.serverName, keyId, key),
    );
    return isNotarised ? readServerKeys(document, serverName, nowTs) : undefined;
  } catch (error) {
    if (error instanceof UnusableServerKeys || error instanceof MatrixError) return undefined; // another one may do
    throw error;
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { parseServerName, type ServerName, Unavailable } from '../matrix/index.ts';
import type { GetJson, PostJson } from './notaries.ts';
import { createRemoteKeys } from './remote-keys.ts';
import { isJsonObject, type JsonObject, signJson } from './sign-json.ts';
import { generateSigningKey, publicTextOf, type SigningKey } from './signing-key.ts';

const NEVER = new AbortController().signal;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const ORIGIN = parseServerName('origin.example');
const NOTARY = parseServerName('notary.example');
const SECOND_NOTARY = parseServerName('second.example');

/** A network of servers that publish keys, a clock, and a list of who was asked what. */
function setUp(options: { notaries?: readonly ServerName[]; batches?: boolean; maxServers?: number } = {}) {
  let nowTs = 1_700_000_000_000;
  const asked: string[] = [];
  const logged: string[] = [];
  const documents = new Map<string, JsonObject>();
  /** What each notary says about whom. */
  const notarised = new Map<string, JsonObject[]>();
  /** When set, the network waits for it. */
  let gate: Promise<void> | undefined;

  const answer = async (text: string, value: unknown, signal: AbortSignal): Promise<unknown> => {
    asked.push(text);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    await Promise.race([gate, aborted]);
    if (value === undefined) throw new Error('connection refused');
    return structuredClone(value);
  };
  const getJson: GetJson = (serverName, path, signal) => {
    const [route = ''] = path.split('?');
    const known = notarised.get(serverName);
    const isQuery = route.startsWith('/_matrix/key/v2/query/');
    const name = decodeURIComponent(route.slice('/_matrix/key/v2/query/'.length));
    const found = known === undefined ? undefined : { server_keys: known.filter((one) => one['server_name'] === name) };
    return answer(`${serverName} ${path}`, isQuery ? found : documents.get(serverName), signal);
  };
  const postJson: PostJson = (serverName, path, body, signal) => {
    const list = notarised.get(serverName);
    return answer(`${serverName} ${path} ${JSON.stringify(body)}`, list && { server_keys: list }, signal);
  };

  const documentOf = (serverName: ServerName, keys: readonly SigningKey[], validForMs: number): JsonObject =>
    keys.reduce<JsonObject>((document, key) => signJson(document, serverName, key), {
      server_name: serverName,
      valid_until_ts: nowTs + validForMs,
      verify_keys: Object.fromEntries(keys.map((key) => [key.keyId, { key: publicTextOf(key) }])),
    });
  const remoteKeys = createRemoteKeys({
    getJson,
    ...(options.batches === true ? { postJson } : {}),
    notaries: options.notaries ?? [],
    ...(options.maxServers === undefined ? {} : { maxServers: options.maxServers }),
    log: pino({}, { write: (line) => logged.push(line) }),
    now: () => nowTs,
  });
  return {
    remoteKeys,
    asked,
    logged,
    documents,
    notarised,
    documentOf,
    publish(serverName: ServerName, keys: readonly SigningKey[], validForMs = DAY) {
      documents.set(serverName, documentOf(serverName, keys, validForMs));
    },
    pass(ms: number) {
      nowTs += ms;
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    async isKnown(key: SigningKey, serverName = ORIGIN): Promise<boolean> {
      const found = await remoteKeys.find(serverName, key.keyId, NEVER);
      // The map of keys is asked by key ID; whose key it is shows in the bytes.
      return found?.export({ format: 'jwk' }).x === Buffer.from(publicTextOf(key), 'base64').toString('base64url');
    },
  };
}

/** Until everything that can happen without the outside has happened. */
async function settle(): Promise<void> {
  for (let count = 0; count < 5; count += 1) await new Promise(setImmediate);
}

test('KEY-4, KEY-6: keys come from the server itself, once for all who ask, and are remembered', async () => {
  const { remoteKeys, asked, publish, hold, isKnown } = setUp();
  const key = generateSigningKey();
  publish(ORIGIN, [key]);
  const release = hold();
  const asking = Array.from({ length: 5 }, () => isKnown(key));
  await settle();
  release();
  assert.deepEqual(await Promise.all(asking), Array(5).fill(true));
  assert.ok(await isKnown(key));
  assert.deepEqual(asked, ['origin.example /_matrix/key/v2/server']);
  remoteKeys[Symbol.dispose]();
});

test('KEY-6: after half of their validity keys are fetched again, while nobody waits', async () => {
  const { asked, documents, publish, pass, hold, isKnown } = setUp();
  const key = generateSigningKey();
  publish(ORIGIN, [key]);
  assert.ok(await isKnown(key));
  pass(DAY / 2 - 1);
  assert.ok(await isKnown(key));
  assert.equal(asked.length, 1);
  pass(1);
  publish(ORIGIN, [key]);
  const release = hold();
  assert.ok(await isKnown(key), 'the answer does not wait for the network');
  assert.ok(await isKnown(key));
  release();
  await settle();
  assert.equal(asked.length, 2);
  documents.clear();
  pass(DAY / 2 - 1);
  assert.ok(await isKnown(key), 'valid for a day from the second fetch');
  assert.equal(asked.length, 2);
});

test('KEY-5: a key that cannot be fetched again counts until its validity ends, and not longer', async () => {
  const { asked, documents, publish, pass, isKnown, logged } = setUp();
  const key = generateSigningKey();
  publish(ORIGIN, [key]);
  assert.ok(await isKnown(key));
  documents.clear();
  pass(DAY / 2);
  assert.ok(await isKnown(key));
  await settle();
  assert.equal(asked.length, 2);
  assert.match(logged.join(), /connection refused.*The keys of a server cannot be had from it/);
  assert.ok(await isKnown(key));
  await settle();
  assert.equal(asked.length, 2, 'not again at once');
  pass(DAY / 2 - 1);
  assert.ok(await isKnown(key));
  pass(1);
  assert.ok(!(await isKnown(key)));
});

test('KEY-5: seven days are the longest, whatever the server says', async () => {
  const { documents, publish, pass, isKnown } = setUp();
  const key = generateSigningKey();
  publish(ORIGIN, [key], 900 * DAY);
  assert.ok(await isKnown(key));
  documents.clear();
  pass(7 * DAY - 1);
  assert.ok(await isKnown(key));
  pass(1);
  assert.ok(!(await isKnown(key)));
});

test('KEY-6: a key that is not known is looked for once a minute', async () => {
  const { asked, publish, pass, isKnown } = setUp();
  const [old, rotated] = [generateSigningKey(), generateSigningKey()];
  publish(ORIGIN, [old]);
  assert.ok(await isKnown(old));
  publish(ORIGIN, [rotated]);
  assert.ok(!(await isKnown(rotated)));
  pass(MINUTE - 1);
  assert.ok(!(await isKnown(rotated)));
  assert.equal(asked.length, 1);
  pass(1);
  assert.ok(await isKnown(rotated));
  assert.ok(!(await isKnown(old)), 'a key that is no longer published signs nothing');
  assert.equal(asked.length, 2);
});

test('KEY-6: a server in trouble, or with keys that prove nothing, is asked again after a minute', async () => {
  const { asked, documents, publish, pass, isKnown, logged } = setUp();
  const key = generateSigningKey();
  assert.ok(!(await isKnown(key)));
  assert.ok(!(await isKnown(key)));
  pass(MINUTE);
  publish(ORIGIN, [key]);
  documents.set(ORIGIN, { ...documents.get(ORIGIN), valid_until_ts: 0 });
  assert.ok(!(await isKnown(key)));
  assert.match(logged.join(), /The keys are not valid any more/);
  pass(MINUTE);
  publish(ORIGIN, [key]);
  assert.ok(await isKnown(key));
  assert.equal(asked.length, 3);
});

test('who leaves gets the reason at once; when all have left the fetch is given up, and the next one starts anew', async () => {
  const { remoteKeys, asked, publish, hold, isKnown } = setUp();
  const key = generateSigningKey();
  publish(ORIGIN, [key]);
  const release = hold();
  const leaving = new AbortController();
  const asking = remoteKeys.find(ORIGIN, key.keyId, leaving.signal);
  await settle();
  leaving.abort(new Error('left'));
  await assert.rejects(asking, /^Error: left$/);
  await assert.rejects(remoteKeys.find(ORIGIN, key.keyId, leaving.signal), /^Error: left$/);
  release();
  assert.ok(await isKnown(key), 'that somebody has left is not remembered as a failure');
  assert.equal(asked.length, 2);
});

test('there is a limit to how many servers are asked at once', async () => {
  const { remoteKeys, publish, hold, isKnown } = setUp();
  const key = generateSigningKey();
  publish(ORIGIN, [key]);
  const release = hold();
  const names = Array.from({ length: 1000 }, (_, index) => parseServerName(`made-up-${index}.example`));
  const asking = names.map((name) => remoteKeys.find(name, key.keyId, NEVER));
  await assert.rejects(remoteKeys.find(ORIGIN, key.keyId, NEVER), Unavailable);
  release();
  assert.deepEqual(await Promise.all(asking), Array(1000).fill(undefined));
  assert.ok(await isKnown(key));
});

test('names that somebody makes up push no known keys out', async () => {
  const { remoteKeys, documents, publish, isKnown } = setUp({ maxServers: 10 });
  const key = generateSigningKey();
  publish(ORIGIN, [key]);
  assert.ok(await isKnown(key));
  documents.clear();
  for (let index = 0; index < 20; index += 1) {
    await remoteKeys.find(parseServerName(`made-up-${index}.example`), key.keyId, NEVER);
  }
  assert.ok(await isKnown(key));
});

test('of more servers than are remembered, the one that was not asked for longest is forgotten', async () => {
  const { asked, publish, pass, isKnown } = setUp({ maxServers: 2 });
  const key = generateSigningKey();
  const names = ['one.example', 'two.example', 'three.example'].map(parseServerName);
  const [one, two, three] = names;
  for (const name of names) publish(name, [key]);
  assert.ok((await isKnown(key, one)) && (await isKnown(key, two)) && (await isKnown(key, one)));
  assert.ok(await isKnown(key, three));
  pass(MINUTE);
  assert.ok((await isKnown(key, one)) && (await isKnown(key, three)));
  assert.equal(asked.length, 3);
  assert.ok(await isKnown(key, two));
  assert.equal(asked.length, 4);
});

test('KEY-7, KEY-9: a notary is asked for keys that the server itself does not give', async () => {
  const { asked, notarised, documentOf, publish, isKnown } = setUp({ notaries: [NOTARY] });
  const [key, notaryKey] = [generateSigningKey(), generateSigningKey()];
  publish(NOTARY, [notaryKey]);
  notarised.set(NOTARY, [signJson(documentOf(ORIGIN, [key], DAY), NOTARY, notaryKey)]);
  assert.ok(await isKnown(key));
  assert.deepEqual(asked, [
    'origin.example /_matrix/key/v2/server',
    'notary.example /_matrix/key/v2/server',
    'notary.example /_matrix/key/v2/query/origin.example?minimum_valid_until_ts=1700000000000',
  ]);
});

test('KEY-7: a server that gives its keys itself is not asked about elsewhere, also when the key is not among them', async () => {
  const { asked, publish, isKnown } = setUp({ notaries: [NOTARY] });
  publish(ORIGIN, [generateSigningKey()]);
  assert.ok(!(await isKnown(generateSigningKey())));
  assert.deepEqual(asked, ['origin.example /_matrix/key/v2/server']);
});

test('KEY-9: a notary alone proves nothing, and neither does one whose signature is missing or bad', async () => {
  const [key, notaryKey, other] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
  for (const damage of [
    (document: JsonObject) => document,
    (document: JsonObject) => signJson(document, NOTARY, other),
    (document: JsonObject) => signJson(document, SECOND_NOTARY, notaryKey),
    (document: JsonObject) => ({ ...signJson(document, NOTARY, notaryKey), valid_until_ts: 9_000_000_000_000 }),
    ({ signatures: _, ...document }: JsonObject) => signJson(document, NOTARY, notaryKey),
    ({ server_name: _, ...document }: JsonObject) =>
      signJson({ ...document, server_name: 'other.example' }, NOTARY, notaryKey),
  ]) {
    const { notarised, documentOf, publish, isKnown } = setUp({ notaries: [NOTARY] });
    publish(NOTARY, [notaryKey]);
    notarised.set(NOTARY, [damage(documentOf(ORIGIN, [key], DAY))]);
    assert.equal(await isKnown(key), false, String(damage));
  }
});

test('KEY-7: of several documents of one server the one that is valid longest counts', async () => {
  const { notarised, documentOf, publish, isKnown } = setUp({ notaries: [NOTARY] });
  const [old, current, notaryKey] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
  publish(NOTARY, [notaryKey]);
  const documents = [
    documentOf(ORIGIN, [old], 20 * DAY),
    documentOf(ORIGIN, [current], 21 * DAY),
    documentOf(ORIGIN, [old], 2 * DAY),
    documentOf(ORIGIN, [old], -DAY),
  ];
  notarised.set(
    NOTARY,
    documents.map((document) => signJson(document, NOTARY, notaryKey)),
  );
  assert.ok(await isKnown(current));
  assert.ok(!(await isKnown(old)));
});

test('KEY-7: the next notary is asked when one is away or knows nothing, and one that is away is left alone for a minute', async () => {
  const { asked, notarised, documentOf, publish, pass, isKnown, logged } = setUp({ notaries: [NOTARY, SECOND_NOTARY] });
  const [key, notaryKey] = [generateSigningKey(), generateSigningKey()];
  publish(SECOND_NOTARY, [notaryKey]);
  const names = ['one.example', 'two.example', 'three.example'].map(parseServerName);
  notarised.set(
    SECOND_NOTARY,
    names.map((name) => signJson(documentOf(name, [key], DAY), SECOND_NOTARY, notaryKey)),
  );
  assert.ok(await isKnown(key, names[0]));
  assert.match(logged.join(), /connection refused.*A notary cannot be asked/);
  assert.ok(await isKnown(key, names[1]));
  assert.equal(asked.filter((text) => text.startsWith(NOTARY)).length, 1);
  pass(MINUTE);
  publish(NOTARY, [generateSigningKey()]);
  notarised.set(NOTARY, []);
  assert.ok(await isKnown(key, names[2]), 'a notary that knows nothing');
  assert.equal(asked.filter((text) => text.startsWith(`${NOTARY} /_matrix/key/v2/query/`)).length, 1);
});

test('KEY-7: notaries are asked about several servers at once', async () => {
  const { asked, notarised, documentOf, publish, isKnown } = setUp({ notaries: [NOTARY], batches: true });
  const [key, notaryKey] = [generateSigningKey(), generateSigningKey()];
  publish(NOTARY, [notaryKey]);
  const names = ['one.example', 'two.example', 'three.example'].map(parseServerName);
  notarised.set(
    NOTARY,
    names.map((name) => signJson(documentOf(name, [key], DAY), NOTARY, notaryKey)),
  );
  assert.deepEqual(await Promise.all(names.map((name) => isKnown(key, name))), [true, true, true]);
  const questions = asked.filter((text) => text.includes('query')).map((text) => text.slice(text.indexOf('{')));
  assert.deepEqual(
    questions.map((text) => {
      const body: unknown = JSON.parse(text);
      return isJsonObject(body) && isJsonObject(body['server_keys']) ? Object.keys(body['server_keys']) : [];
    }),
    [['one.example'], ['two.example', 'three.example']],
  );
});

test('the keys of a notary are fetched once for all questions, and again at half of their validity', async () => {
  const { asked, notarised, documentOf, publish, pass, isKnown } = setUp({ notaries: [NOTARY] });
  const [key, notaryKey] = [generateSigningKey(), generateSigningKey()];
  publish(NOTARY, [notaryKey]);
  const names = ['one.example', 'two.example', 'three.example'].map(parseServerName);
  notarised.set(
    NOTARY,
    names.map((name) => signJson(documentOf(name, [key], DAY), NOTARY, notaryKey)),
  );
  const ownKeysAsked = () => asked.filter((text) => text === `${NOTARY} /_matrix/key/v2/server`).length;
  assert.deepEqual(await Promise.all(names.slice(0, 2).map((name) => isKnown(key, name))), [true, true]);
  assert.equal(ownKeysAsked(), 1);
  pass(DAY / 2);
  publish(NOTARY, [notaryKey]);
  assert.ok(await isKnown(key, names[2]));
  assert.equal(ownKeysAsked(), 2);
});

test('KEY-9: answers of a notary that make no sense are as good as none', async () => {
  for (const nonsense of [[null], ['text'], [{ server_name: 'origin.example', verify_keys: 5 }]]) {
    const { notarised, publish, isKnown } = setUp({ notaries: [NOTARY] });
    publish(NOTARY, [generateSigningKey()]);
    notarised.set(NOTARY, nonsense as JsonObject[]);
    assert.equal(await isKnown(generateSigningKey()), false);
  }
});

test('closing gives up what is fetched in the background', async () => {
  const { remoteKeys, asked, publish, pass, hold, isKnown, logged } = setUp();
  const key = generateSigningKey();
  publish(ORIGIN, [key]);
  assert.ok(await isKnown(key));
  pass(DAY / 2);
  hold();
  assert.ok(await isKnown(key));
  remoteKeys[Symbol.dispose]();
  await settle();
  assert.equal(asked.length, 2);
  assert.deepEqual(logged, [], 'nobody needs to hear of it');
});

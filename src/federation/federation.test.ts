import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { parseServerName, type ServerName, Unauthorized } from '../matrix/index.ts';
import {
  createRemoteKeys,
  createRequestVerifier,
  formatKeyFile,
  generateSigningKey,
  type JsonObject,
  loadSigningKeys,
  publicTextOf,
  type SigningKey,
  signJson,
  signRequest,
  warnOfUnpublishedKeys,
} from './index.ts';

const NEVER = new AbortController().signal;
const ASKER = parseServerName('asker.example');
const OURS = parseServerName('example.org');
const URI = '/_matrix/federation/v1/media/download/abc?timeout_ms=20000';

/** The homeservers of these names, which publish these keys. */
function playHomeservers(t: TestContext, publishedKeys: ReadonlyMap<ServerName, readonly SigningKey[]>) {
  const logged: string[] = [];
  const log = pino({}, { write: (line) => logged.push(line) });
  const remoteKeys = createRemoteKeys({
    getJson: async (serverName) => {
      const keys = publishedKeys.get(serverName);
      if (keys === undefined) throw new Error('connection refused');
      return keys.reduce<JsonObject>((document, key) => signJson(document, serverName, key), {
        server_name: serverName,
        valid_until_ts: Date.now() + 3_600_000,
        verify_keys: Object.fromEntries(keys.map((key) => [key.keyId, { key: publicTextOf(key) }])),
      });
    },
    notaries: [],
    log,
    now: Date.now,
  });
  t.after(() => remoteKeys[Symbol.dispose]());
  return { remoteKeys, log, logged };
}

test('XM-11, KEY-10: what is signed with the key of a file is believed where the homeserver publishes the key', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-federation-'));
  t.after(() => rm(folder, { recursive: true }));
  const [homeserverKey, ownKey] = [generateSigningKey(), generateSigningKey()];
  const signingKeyPath = join(folder, 'signing.key');
  await writeFile(signingKeyPath, formatKeyFile('mmr', [ownKey]));
  const key = (await loadSigningKeys([{ serverName: ASKER, signingKeyPath }])).get(ASKER);
  assert.ok(key !== undefined);
  const request = { method: 'GET', uri: URI, origin: ASKER, destination: OURS };
  const received = { method: 'GET', uri: URI, host: OURS, authorization: [signRequest(request, key)] };

  const { remoteKeys } = playHomeservers(t, new Map([[ASKER, [homeserverKey, ownKey]]]));
  const verify = createRequestVerifier({ findKey: remoteKeys.find, isOwn: (name) => name === OURS });
  assert.deepEqual(await verify(received, NEVER), { origin: ASKER, destination: OURS });

  const others = playHomeservers(t, new Map([[ASKER, [homeserverKey]]]));
  const verifyElsewhere = createRequestVerifier({ findKey: others.remoteKeys.find, isOwn: (name) => name === OURS });
  await assert.rejects(verifyElsewhere(received, NEVER), Unauthorized);
});

test('KEY-11: a warning tells of keys that other servers will refuse', async (t) => {
  const [good, unpublished, mixedUp] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
  const sameId = { ...generateSigningKey(), keyId: mixedUp.keyId };
  const names = ['good.example', 'unpublished.example', 'mixed-up.example', 'away.example'].map(parseServerName);
  const [goodName = OURS, unpublishedName = OURS, mixedUpName = OURS, awayName = OURS] = names;
  const { remoteKeys, log, logged } = playHomeservers(
    t,
    new Map([
      [goodName, [good]],
      [unpublishedName, [good]],
      [mixedUpName, [sameId]],
    ]),
  );
  const signingKeys = new Map([
    [goodName, good],
    [unpublishedName, unpublished],
    [mixedUpName, mixedUp],
    [awayName, good],
  ]);
  await warnOfUnpublishedKeys(signingKeys, { remoteKeys, log }, NEVER);
  const warnings = logged.filter((line) => line.includes('Other servers will refuse'));
  assert.equal(warnings.length, 3);
  assert.match(warnings[0] ?? '', /unpublished\.example.*does not publish it, or cannot be asked/);
  assert.match(warnings[1] ?? '', /mixed-up\.example.*publishes another key with this ID/);
  assert.match(warnings[2] ?? '', /away\.example.*cannot be asked/);
});

import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { parseServerName, type ServerName, Unauthorized } from '../matrix/index.ts';
import { signRequest } from './sign-request.ts';
import { generateSigningKey, makeSigningKey, type SigningKey, verifyKeyOf } from './signing-key.ts';
import { createRequestVerifier, type ReceivedRequest } from './verify-request.ts';

const ORIGIN = parseServerName('origin.example');
const OURS = parseServerName('example.org');
const ALSO_OURS = parseServerName('example.org:8448');
const URI = '/_matrix/federation/v1/media/download/abc?timeout_ms=1';
const NEVER = new AbortController().signal;

/** Knows the keys of `origin.example`, and notes who was asked for. */
function verifierFor(...keys: readonly SigningKey[]) {
  const asked: string[] = [];
  const verify = createRequestVerifier({
    isOwn: (name) => name === OURS || name === ALSO_OURS,
    findKey: async (serverName, keyId): Promise<KeyObject | undefined> => {
      asked.push(`${serverName} ${keyId}`);
      const key = keys.find((known) => known.keyId === keyId);
      return key === undefined || serverName !== ORIGIN ? undefined : verifyKeyOf(key);
    },
  });
  return { asked, verify: (request: ReceivedRequest) => verify(request, NEVER) };
}

function authorize(key: SigningKey, changes: { uri?: string; destination?: ServerName; origin?: ServerName } = {}) {
  return signRequest({ method: 'GET', uri: URI, origin: ORIGIN, destination: OURS, ...changes }, key);
}

function received(...authorization: readonly string[]): ReceivedRequest {
  return { method: 'GET', uri: URI, host: OURS, authorization };
}

async function assertRefused(asking: Promise<unknown>, complaint: RegExp, mrErrcode = 'M_BAD_REQUEST'): Promise<void> {
  await assert.rejects(asking, (error) => {
    assert.ok(error instanceof Unauthorized);
    assert.match(error.message, complaint);
    assert.deepEqual([error.status, error.errcode, error.mrErrcode], [401, 'M_UNAUTHORIZED', mrErrcode]);
    return true;
  });
}

test('XM-1, XM-4: a request is signed byte by byte as by other media repositories', () => {
  const key = makeSigningKey('e5d0oC', Buffer.from('PJt0OaIImDJk8P/PDb4TNQHgI/1AA1C+AaQaABxAcgc=', 'base64'));
  const request = {
    method: 'GET',
    uri: '/_matrix/federation/v1/media/download/abc123',
    origin: parseServerName('172.18.0.9:80'),
    destination: parseServerName('first.example.org'),
  };
  assert.equal(
    signRequest(request, key),
    'X-Matrix origin="172.18.0.9:80",destination="first.example.org",key="ed25519:e5d0oC",sig="lkk2cTaMW3qn1a9j5gwkN9j12tHBqGjll5msgluS4riscUFXawH2yxF8SyYFy9hNgiDroO07gtYJ4eRnbSLDAA"',
  );
});

test('XM-1: a signed request tells who asks, and which of our servers is asked', async () => {
  const key = generateSigningKey();
  const { verify, asked } = verifierFor(key);
  assert.deepEqual(await verify(received(authorize(key))), { origin: ORIGIN, destination: OURS });
  assert.deepEqual(asked, [`origin.example ${key.keyId}`]);
  const other = received(authorize(key, { destination: ALSO_OURS }));
  assert.deepEqual(await verify(other), { origin: ORIGIN, destination: ALSO_OURS }, 'the destination beats the host');
});

test('XM-8: without a destination it is the host that must have been signed for', async () => {
  const key = generateSigningKey();
  const { verify } = verifierFor(key);
  const header = authorize(key).replace('destination="example.org",', '');
  assert.deepEqual(await verify(received(header)), { origin: ORIGIN, destination: OURS });
  await assertRefused(verify({ ...received(header), host: ALSO_OURS }), /does not fit/);
});

test('XM-8: without destination the host says whom the request is for, and when it says nothing of use, nobody does', async () => {
  const key = generateSigningKey();
  const { verify, asked } = verifierFor(key);
  const withoutDestination = authorize(key).replace(`destination="${OURS}",`, '');
  assert.equal((await verify(received(withoutDestination))).destination, OURS);
  asked.length = 0;
  const elsewhere = { ...received(withoutDestination), host: undefined };
  await assertRefused(verify(elsewhere), /names no destination/);
  assert.deepEqual(asked, []);
  assert.equal((await verify({ ...received(authorize(key)), host: undefined })).destination, OURS);
});

test('XM-3, XM-8: what is signed for another server is refused before anybody is asked for keys', async () => {
  const key = generateSigningKey();
  const { verify, asked } = verifierFor(key);
  const header = authorize(key, { destination: parseServerName('other.example') });
  await assertRefused(verify(received(header)), /^The request is signed for another server$/);
  const otherCase = authorize(key, { destination: parseServerName('EXAMPLE.org') });
  await assertRefused(verify(received(otherCase)), /for another server/);
  await assertRefused(verify({ ...received(header.replace('other.example', 'example.org')) }), /does not fit/);
  assert.equal(asked.length, 1);
});

test('XM-1, XM-2: a signature fits one method, one target, one body, one origin and nothing else', async () => {
  const key = generateSigningKey();
  const { verify } = verifierFor(key);
  const good = received(authorize(key));
  for (const changed of [
    { ...good, method: 'POST' },
    { ...good, uri: URI.replace('abc', 'abd') },
    { ...good, uri: URI.replace('timeout_ms=1', 'timeout_ms=2') },
    { ...good, uri: URI.replace('abc', '%61bc') },
    { ...good, uri: `${URI}&` },
    { ...good, content: {} },
    received(authorize(key).replace('sig="', 'sig="A')),
    received(authorize(generateSigningKey()).replace(/key="[^"]+"/, `key="${key.keyId}"`)),
  ]) {
    await assertRefused(verify(changed), /^The signature does not fit the request$/);
  }
  const content = { ids: ['a', 'b'], unsigned: { kept: true } };
  const withBody = signRequest({ method: 'POST', uri: URI, origin: ORIGIN, destination: OURS, content }, key);
  assert.ok(await verify({ ...received(withBody), method: 'POST', content }));
});

test('XM-2: the question mark of an empty query may be signed or not', async () => {
  const key = generateSigningKey();
  const { verify } = verifierFor(key);
  for (const uri of ['/_matrix/x', '/_matrix/x?']) {
    assert.ok(await verify({ ...received(authorize(key, { uri })), uri: '/_matrix/x?' }));
  }
  await assertRefused(verify({ ...received(authorize(key, { uri: '/_matrix/x?' })), uri: '/_matrix/x' }), /not fit/);
});

test('XM-10: of several signatures one that is good is enough, whatever other authorization there is', async () => {
  const [known, unknown] = [generateSigningKey(), generateSigningKey()];
  const { verify } = verifierFor(known);
  const [good, other] = [authorize(known), authorize(unknown)];
  const future = good.replace('ed25519:', 'ed448:');
  for (const headers of [
    ['Bearer abc', good],
    [other, good],
    [good, other],
    [future, good],
    [good.replace('sig="', 'sig="A'), good],
  ]) {
    assert.ok(await verify(received(...headers)), headers.join('\n'));
  }
});

test('XM-10: signatures that name different servers, and too many, are refused', async () => {
  const key = generateSigningKey();
  const { verify, asked } = verifierFor(key);
  const good = authorize(key);
  for (const other of [
    authorize(key, { origin: parseServerName('other.example') }),
    authorize(key, { destination: ALSO_OURS }),
    good.replace('destination="example.org",', ''),
  ]) {
    await assertRefused(verify(received(good, other)), /^The signatures of the request name different servers$/);
  }
  await assertRefused(verify(received(...Array<string>(9).fill(good))), /more than 8 signatures/);
  assert.deepEqual(asked, []);
  assert.ok(await verify(received(...Array<string>(8).fill(good))));
});

test('XM-4: a request without a signature is told that it needs one', async () => {
  const { verify } = verifierFor();
  for (const headers of [[], ['Bearer abc'], ['X-Matrix origin="origin.example"']]) {
    await assertRefused(verify(received(...headers)), /needs an X-Matrix authorization/, 'M_MISSING_TOKEN');
  }
  await assertRefused(verify(received('X-Matrix nonsense')), /cannot be read/);
});

test('XM-11: a key that is not the origin’s, or not any more, signs nothing', async () => {
  const { verify, asked } = verifierFor();
  await assertRefused(verify(received(authorize(generateSigningKey()))), /^No key of origin\.example/);
  assert.equal(asked.length, 1);
});

test('XM-13: nobody asks in our own name', async () => {
  const key = generateSigningKey();
  const { verify, asked } = verifierFor(key);
  await assertRefused(verify(received(authorize(key, { origin: OURS }))), /in the name of the server that it is for/);
  assert.deepEqual(asked, []);
});

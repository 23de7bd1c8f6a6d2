import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlayedServer, TOKEN } from '../../test/http-server.ts';
import {
  BadRequest,
  Forbidden,
  GuestsForbidden,
  HomeserverUnavailable,
  InternalError,
  InvalidParam,
  MissingParam,
  MissingToken,
  NotFound,
  RangeNotSatisfiable,
  RefusedByHomeserver,
  StorageFull,
  TooLarge,
  TooSmall,
  Unavailable,
  UnknownToken,
} from '../matrix/index.ts';

const url = '/_matrix/client/v1/media/download/example.org/abc';
const headers = { host: 'example.org', authorization: `Bearer ${TOKEN}` };
const locked = new RefusedByHomeserver({
  status: 401,
  errcode: 'M_USER_LOCKED',
  message: 'Locked',
  extra: { soft_logout: true, errcode: 'M_OTHER', error: 'other' },
});
const limited = new RefusedByHomeserver({
  status: 429,
  errcode: 'M_LIMIT_EXCEEDED',
  message: 'Slow down',
  extra: { retry_after_ms: 1500 },
  retryAfterSeconds: 2,
});

const CASES: readonly [error: Error, status: number, body: object, headers?: Readonly<Record<string, string>>][] = [
  [new NotFound(), 404, { errcode: 'M_NOT_FOUND', error: 'Not found', mr_errcode: 'M_NOT_FOUND' }],
  [new MissingToken(), 401, { errcode: 'M_MISSING_TOKEN', mr_errcode: 'M_MISSING_TOKEN' }],
  [new UnknownToken(), 401, { errcode: 'M_UNKNOWN_TOKEN', mr_errcode: 'M_UNKNOWN_TOKEN' }],
  [new UnknownToken(true), 401, { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true }],
  [new UnknownToken(false), 401, { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false }],
  [locked, 401, { errcode: 'M_USER_LOCKED', error: 'Locked', soft_logout: true }],
  [limited, 429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1500 }, { 'retry-after': '2' }],
  [new Forbidden('No'), 403, { errcode: 'M_FORBIDDEN', error: 'No', mr_errcode: 'M_FORBIDDEN' }],
  [new GuestsForbidden(), 403, { errcode: 'M_GUEST_ACCESS_FORBIDDEN' }],
  [new InvalidParam('No'), 400, { errcode: 'M_INVALID_PARAM', mr_errcode: 'M_BAD_REQUEST' }],
  [new MissingParam('No'), 400, { errcode: 'M_MISSING_PARAM', mr_errcode: 'M_BAD_REQUEST' }],
  [new BadRequest('No'), 400, { errcode: 'M_UNKNOWN', mr_errcode: 'M_BAD_REQUEST' }],
  [new TooLarge('No'), 413, { errcode: 'M_TOO_LARGE', mr_errcode: 'M_MEDIA_TOO_LARGE' }],
  [new TooSmall('No'), 400, { errcode: 'M_UNKNOWN', mr_errcode: 'M_MEDIA_TOO_SMALL' }],
  [new RangeNotSatisfiable(7), 416, { errcode: 'M_UNKNOWN' }, { 'content-range': 'bytes */7' }],
  [new HomeserverUnavailable('bad answer'), 502, { errcode: 'M_UNKNOWN' }, { 'retry-after': '5' }],
  [new HomeserverUnavailable('unreachable'), 503, { errcode: 'M_UNKNOWN' }, { 'retry-after': '5' }],
  [new HomeserverUnavailable('timeout'), 504, { errcode: 'M_UNKNOWN' }, { 'retry-after': '5' }],
  [new Unavailable('No'), 503, { errcode: 'M_UNKNOWN' }, { 'retry-after': '5' }],
  [new StorageFull(), 507, { errcode: 'M_UNKNOWN', mr_errcode: 'M_UNKNOWN' }],
  [new InternalError(), 500, { errcode: 'M_UNKNOWN', error: 'Internal error', mr_errcode: 'M_UNKNOWN' }],
];
for (const [error, status, body, expected = {}] of CASES) {
  test(`${error.constructor.name} (${error.message}) is answered ${status} ${JSON.stringify(body)}`, async (t) => {
    const { app } = await createPlayedServer(t, { open: async () => Promise.reject(error) });
    const answer = await app.inject({ url, headers });
    assert.equal(answer.statusCode, status);
    assert.partialDeepStrictEqual(answer.json(), body);
    assert.partialDeepStrictEqual(answer.headers, { 'cache-control': 'no-store', ...expected });
    assert.equal(answer.headers['etag'], undefined);
  });
}

for (const thrown of [
  new Error('secret inside'),
  Object.assign(new Error('secret inside'), { statusCode: 404 }),
  'secret inside',
  undefined,
]) {
  test(`what nobody expects (${String(thrown)}) is answered 500 without a word of the inside, and logged`, async (t) => {
    const { app, logged } = await createPlayedServer(t, { open: async () => Promise.reject(thrown) });
    const answer = await app.inject({ url, headers });
    assert.equal(answer.statusCode, 500);
    assert.deepEqual(answer.json(), { errcode: 'M_UNKNOWN', error: 'Internal error', mr_errcode: 'M_UNKNOWN' });
    const line = logged.find(({ level }) => level === 'error');
    assert.equal(line?.['requestId'], answer.headers['x-request-id']);
    if (thrown !== undefined) assert.match(String(line?.['err']), /secret inside/);
  });
}

test('the cause of a refusal is in the log only', async (t) => {
  const cause = new Error('connect ECONNREFUSED 10.0.0.7:5432');
  const error = new Unavailable('The database is away', { cause });
  const { app, logged } = await createPlayedServer(t, { open: async () => Promise.reject(error) });
  const answer = await app.inject({ url, headers });
  assert.doesNotMatch(answer.body, /10\.0\.0\.7/);
  const line = logged.find(({ level }) => level === 'warning');
  assert.equal(line?.['requestId'], answer.headers['x-request-id']);
  assert.match(String(line?.['err']), /caused by Error: connect ECONNREFUSED 10\.0\.0\.7:5432/);
});

test('a full disk is an error in the log, an ordinary refusal is not', async (t) => {
  for (const [error, level] of [
    [new StorageFull({ cause: new Error('ENOSPC') }), 'error'],
    [new NotFound(), undefined],
  ] as const) {
    const { app, logged } = await createPlayedServer(t, { open: async () => Promise.reject(error) });
    await app.inject({ url, headers });
    const worst = logged.find((line) => line['level'] === 'error' || line['level'] === 'warning');
    assert.equal(worst?.['level'], level);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HomeserverUnavailable, MatrixError, RefusedByHomeserver, UnknownToken } from '../matrix/index.ts';
import { readRefusal } from './read-refusal.ts';

const refuse = (status: number, body: Record<string, unknown>, headers: Record<string, string> = {}) => {
  const error = readRefusal({ status, headers, body }, 'the-token');
  assert.ok(error instanceof MatrixError);
  return error;
};

test('an unknown token stays one, with soft_logout as the homeserver said or did not say', () => {
  for (const [said, kept] of [
    [{}, {}],
    [{ soft_logout: true }, { soft_logout: true }],
    [{ soft_logout: false }, { soft_logout: false }],
    [{ soft_logout: 'yes' }, {}],
  ] as const) {
    const error = refuse(401, { errcode: 'M_UNKNOWN_TOKEN', error: 'Gone', ...said });
    assert.ok(error instanceof UnknownToken);
    assert.deepEqual(error.extra, kept);
  }
});

test('other refusals pass through with status, code, text and the keys that the specification knows', () => {
  const cases = [
    [401, 'M_USER_LOCKED', { soft_logout: true }],
    [401, 'M_MISSING_TOKEN', {}],
    [403, 'M_FORBIDDEN', {}],
    [403, 'M_USER_SUSPENDED', {}],
    [403, 'M_USER_DEACTIVATED', {}],
    [403, 'M_GUEST_ACCESS_FORBIDDEN', {}],
    [403, 'M_CONSENT_NOT_GIVEN', { consent_uri: 'https://example.org/consent' }],
    [403, 'M_RESOURCE_LIMIT_EXCEEDED', { admin_contact: 'mailto:admin@example.org', limit_type: 'hs_disabled' }],
    [403, 'M_USER_LIMIT_EXCEEDED', { info_uri: 'https://example.org/limits', can_upgrade: true }],
    [400, 'M_UNKNOWN_DEVICE', {}],
    [429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 2500 }],
    [418, 'ORG.EXAMPLE_TEAPOT', {}],
  ] as const;
  for (const [status, errcode, extra] of cases) {
    const error = refuse(status, { errcode, error: 'No, sorry', ...extra, inside: 'secret', stack: ['secret'] });
    assert.ok(error instanceof RefusedByHomeserver);
    assert.deepEqual(
      [error.status, error.errcode, error.mrErrcode, error.message],
      [status, errcode, errcode, 'No, sorry'],
    );
    assert.deepEqual(error.extra, extra);
  }
});

test('known keys with values of the wrong kind are dropped', () => {
  const wrong = {
    soft_logout: 1,
    retry_after_ms: -5,
    admin_contact: { a: 1 },
    info_uri: 'x'.repeat(301),
    can_upgrade: 'yes',
  };
  assert.deepEqual(refuse(403, { errcode: 'M_FORBIDDEN', ...wrong }).extra, {});
});

test('the time to wait comes from the header, else from the body, in whole seconds of at least one', () => {
  const date = { date: 'Fri, 01 Jan 2027 12:00:00 GMT' };
  const cases = [
    [{ 'retry-after': '7' }, {}, 7],
    [{ 'retry-after': '7' }, { retry_after_ms: 99_000 }, 7],
    [{ 'retry-after': '0' }, {}, 1],
    [{ ...date, 'retry-after': 'Fri, 01 Jan 2027 12:00:30 GMT' }, {}, 30],
    [{ ...date, 'retry-after': 'Fri, 01 Jan 2027 11:00:00 GMT' }, {}, undefined],
    [{ 'retry-after': 'Fri, 01 Jan 2027 12:00:30 GMT' }, {}, undefined],
    [{ 'retry-after': 'soon' }, { retry_after_ms: 2500 }, 3],
    [{}, { retry_after_ms: 0 }, 1],
    [{}, { retry_after_ms: '2500' }, undefined],
    [{}, {}, undefined],
  ] as const;
  for (const [headers, body, seconds] of cases) {
    const error = refuse(429, { errcode: 'M_LIMIT_EXCEEDED', ...body }, headers);
    assert.equal(error.retryAfterSeconds, seconds, JSON.stringify([headers, body]));
  }
});

test('the text is short, on one line, and never holds the token', () => {
  const text = refuse(403, {
    errcode: 'M_FORBIDDEN',
    error: `No\r\nuse\u0000of the-token ${'🙂'.repeat(1000)}`,
  }).message;
  assert.match(text, /^No use of … 🙂/u);
  assert.ok(text.length <= 300 && text.isWellFormed());
  for (const error of [undefined, '', 5, { a: 1 }]) {
    assert.equal(refuse(403, { errcode: 'M_FORBIDDEN', error }).message, 'The homeserver refused the request');
  }
});

test('an answer that is not about the asker makes no refusal', () => {
  const cases = [
    [404, 'M_UNRECOGNIZED'],
    [404, 'M_NOT_FOUND'],
    [405, 'M_UNRECOGNIZED'],
    [302, 'M_FORBIDDEN'],
    [204, 'M_FORBIDDEN'],
    [401, undefined],
    [401, 5],
    [401, ''],
    [403, 'M_FORBIDDEN\r\nSet-Cookie: a'],
    [403, `M_${'X'.repeat(200)}`],
  ] as const;
  for (const [status, errcode] of cases) {
    const error = refuse(status, { errcode, error: 'secret' });
    assert.ok(error instanceof HomeserverUnavailable, `${status} ${errcode}`);
    assert.equal(error.status, 502);
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /secret/);
  }
});

test('whatever a homeserver answers, the client gets a 4xx of a known shape or a 502', () =>
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 499 }), fc.dictionary(fc.string(), fc.jsonValue()), (status, body) => {
      const error = refuse(status, { errcode: 'M_FORBIDDEN', ...body });
      assert.ok((error.status >= 400 && error.status < 500) || error.status === 502);
      assert.ok(error.message.length <= 300);
    }),
  ));

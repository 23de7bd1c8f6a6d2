import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { errors } from 'undici';
import { HomeserverUnavailable } from '../matrix/index.ts';
import { describeTrouble, isBrokenConnection } from './describe-trouble.ts';

const withCode = (code: string, message = 'it failed') => Object.assign(new Error(message), { code, secret: 'inside' });

test('connections that fail become 502, 503 or 504, with the code and nothing else for the log', () => {
  const cases = [
    [withCode('HPE_INVALID_CONSTANT'), 502],
    [Object.assign(new errors.HTTPParserError('no HTTP'), { data: 'inside' }), 502],
    [new errors.HeadersOverflowError(), 502],
    [new errors.ResponseContentLengthMismatchError(), 502],
    [new errors.ConnectTimeoutError(), 504],
    [new errors.HeadersTimeoutError(), 504],
    [new errors.BodyTimeoutError(), 504],
    [withCode('ETIMEDOUT'), 504],
    [withCode('ECONNREFUSED', ''), 503],
    [withCode('ENOTFOUND'), 503],
    [withCode('EAI_AGAIN'), 503],
    [withCode('CERT_HAS_EXPIRED'), 503],
    [new errors.SocketError('other side closed'), 503],
    [new errors.ClientDestroyedError(), 503],
  ] as const;
  for (const [error, status] of cases) {
    const trouble = describeTrouble(error);
    assert.ok(trouble instanceof HomeserverUnavailable, inspect(error));
    assert.equal(trouble.status, status, inspect(error));
    assert.match(String(trouble.cause), /^Error: [A-Z_]+/);
    assert.doesNotMatch(inspect(trouble, { showHidden: true }), /inside/);
  }
});

test('a mistake of ours is not blamed on the homeserver', () => {
  const unknown = new HomeserverUnavailable('timeout');
  const mistakes = [
    new errors.InvalidArgumentError('x'),
    withCode('ERR_INVALID_URL'),
    new TypeError('x'),
    'x',
    unknown,
  ];
  for (const mistake of mistakes) assert.equal(describeTrouble(mistake), mistake);
});

test('only a connection that broke is worth a second try', () => {
  assert.ok(isBrokenConnection(new errors.SocketError('other side closed')));
  assert.ok(isBrokenConnection(withCode('ECONNRESET')));
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT'])
    assert.ok(!isBrokenConnection(withCode(code)));
  assert.ok(!isBrokenConnection(new Error('x')));
});

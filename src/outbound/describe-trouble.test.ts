import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from 'undici';
import { describeExchangeError, describeSocketError, describeTlsError } from './describe-trouble.ts';
import { OutboundError } from './errors.ts';

const coded = (code: string, message = 'SECRET of the other side') => Object.assign(new Error(message), { code });

for (const [error, trouble] of [
  [new errors.HeadersTimeoutError(), 'timeout'],
  [new errors.BodyTimeoutError(), 'timeout'],
  [new errors.HeadersOverflowError(), 'protocol'],
  [Object.assign(new errors.HTTPParserError('SECRET'), { code: 'HPE_INVALID_STATUS' }), 'protocol'],
  [new errors.HTTPParserError('SECRET'), 'protocol'],
  [new errors.SocketError('bad response'), 'protocol'],
  [new errors.SocketError('other side closed'), 'broken off'],
  [new errors.ResponseContentLengthMismatchError(), 'broken off'],
  [new errors.InformationalError('socket idle timeout'), 'broken off'],
  [new errors.ClientDestroyedError(), 'broken off'],
  [coded('ECONNRESET'), 'broken off'],
  [coded('EPIPE'), 'broken off'],
  [coded('ETIMEDOUT'), 'timeout'],
  [coded('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC'), 'tls'],
] as const) {
  test(`in an exchange, ${error.code ?? 'a parser error'} is "${trouble}", and the log gets nothing of what came`, () => {
    const described = describeExchangeError(error, 'example.org');
    assert.ok(described instanceof OutboundError);
    assert.equal(described.trouble, trouble);
    assert.doesNotMatch(described.message, /SECRET/);
    assert.match(described.message, /^example\.org: /);
  });
}

test('mistakes of our own, and what has been described before, come back as they are', () => {
  const described = new OutboundError('refused', 'nobody');
  for (const error of [new errors.InvalidArgumentError('path'), new TypeError('x'), described, 'text', undefined]) {
    assert.equal(describeExchangeError(error, 'example.org'), error);
  }
});

for (const [code, trouble] of [
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EADDRNOTAVAIL', 'unreachable'],
  ['EACCES', 'unreachable'],
  ['ETIMEDOUT', 'timeout'],
  ['ECONNRESET', 'broken off'],
] as const) {
  test(`while connecting, ${code} is "${trouble}"`, () => {
    assert.equal(describeSocketError(coded(code), 'example.org').trouble, trouble);
  });
}

for (const [code, trouble] of [
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
  ['CERT_HAS_EXPIRED', 'tls'],
  ['EPROTO', 'tls'],
  ['ECONNRESET', 'broken off'],
  ['ETIMEDOUT', 'timeout'],
] as const) {
  test(`while TLS begins, ${code} is "${trouble}", and the certificate is not quoted`, () => {
    const described = describeTlsError(coded(code), 'example.org');
    assert.equal(described.trouble, trouble);
    assert.doesNotMatch(described.message, /SECRET/);
  });
}

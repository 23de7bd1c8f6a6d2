import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeConfig } from '../../test/config.ts';
import { createPlayedServer, listenTo } from '../../test/http-server.ts';
import { openRawClient } from '../../test/raw-client.ts';
import { UnknownHost } from '../matrix/index.ts';
import { findDomain, type HostHeaders } from './hosts.ts';

const names = ['example.org', 'example.org:8448', 'Upper.example.org', '[2001:db8::1]', '[2001:db8::2]:8448'];
const homeservers = names.map((name) => ({ name, csApi: 'http://127.0.0.1:9' }));
const trusting = await makeConfig({ homeservers, repo: { useForwardedHost: true } });
const wary = await makeConfig({ homeservers, repo: { useForwardedHost: false } });

const CASES: readonly [headers: HostHeaders, domain: string | undefined][] = [
  [{ host: 'example.org' }, 'example.org'],
  [{ host: 'EXAMPLE.org' }, 'example.org'],
  [{ host: 'example.org:443' }, 'example.org'],
  [{ host: 'example.org:8448' }, 'example.org:8448'],
  [{ host: 'upper.example.org' }, 'Upper.example.org'],
  [{ host: '[2001:db8::1]' }, '[2001:db8::1]'],
  [{ host: '[2001:DB8::1]:8000' }, '[2001:db8::1]'],
  [{ host: '[2001:db8::2]:8448' }, '[2001:db8::2]:8448'],
  [{ host: '[2001:db8::2]:8000' }, undefined],
  [{ host: 'other.example.org' }, undefined],
  [{ host: '' }, undefined],
  [{}, undefined],
  [{ host: '[' }, undefined],
  [{ host: '__proto__' }, undefined],
];
for (const [headers, domain] of CASES) {
  test(`${JSON.stringify(headers)} is for ${domain ?? 'nobody here'}`, () => {
    for (const config of [trusting, wary]) {
      if (domain === undefined) assert.throws(() => findDomain(config, headers), UnknownHost);
      else assert.equal(findDomain(config, headers).serverName, domain);
    }
  });
}

const FORWARDED: readonly [forwarded: string | string[], domain: string | undefined][] = [
  ['example.org', 'example.org'],
  ['EXAMPLE.org:443', 'example.org'],
  ['example.org, proxy.example.com', 'example.org'],
  ['example.org,other.example.org', 'example.org'],
  [['example.org', 'other.example.org'], 'example.org'],
  ['other.example.org, example.org', undefined],
  ['', '[2001:db8::1]'],
  [' ', '[2001:db8::1]'],
];
for (const [forwarded, domain] of FORWARDED) {
  test(`X-Forwarded-Host ${JSON.stringify(forwarded)} leads to ${domain ?? 'nobody'} where it counts`, () => {
    const headers = { host: '[2001:db8::1]', 'x-forwarded-host': forwarded };
    if (domain === undefined) assert.throws(() => findDomain(trusting, headers), UnknownHost);
    else assert.equal(findDomain(trusting, headers).serverName, domain);
    assert.equal(findDomain(wary, headers).serverName, '[2001:db8::1]');
  });
}

test('a request for an unknown host is answered 502 in JSON that browsers may read', async (t) => {
  const { app, logged } = await createPlayedServer(t);
  const answer = await app.inject({ url: '/_matrix/media/v3/config', headers: { host: 'other.example.org' } });
  assert.equal(answer.statusCode, 502);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  assert.deepEqual(answer.json(), {
    errcode: 'M_UNKNOWN',
    error: 'This media repository does not serve the host of the request',
    mr_errcode: 'M_UNKNOWN',
  });
  assert.match(JSON.stringify(logged), /The host \\\\?"other.example.org\\\\?" is not among/);
});

test('HTTP/1.0 without a host is answered 502, HTTP/1.1 without one 400', async (t) => {
  const { app } = await createPlayedServer(t);
  const port = await listenTo(app);
  for (const [version, status] of [
    ['1.0', 502],
    ['1.1', 400],
  ]) {
    const client = await openRawClient(t, port);
    await client.write(`GET /_matrix/media/v3/config HTTP/${version}\r\n\r\n`);
    const answer = await client.readAnswer();
    assert.equal(answer.status, status);
    assert.equal(JSON.parse(answer.body.toString()).errcode, 'M_UNKNOWN');
    assert.equal(answer.headers['access-control-allow-origin'], '*');
  }
});

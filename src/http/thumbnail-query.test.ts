import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlayedServer, TOKEN } from '../../test/http-server.ts';
import { NotFound } from '../matrix/index.ts';

const headers = { host: 'example.org', authorization: `Bearer ${TOKEN}` };
const PATH = '/_matrix/client/v1/media/thumbnail/example.org/abc';
const MAX = Number.MAX_SAFE_INTEGER;

const REFUSED: readonly [query: string, errcode: string][] = [
  ['', 'M_MISSING_PARAM'],
  ['width=10', 'M_MISSING_PARAM'],
  ['height=10', 'M_MISSING_PARAM'],
  ['width=&height=10', 'M_MISSING_PARAM'],
  ['width=0&height=10', 'M_UNKNOWN'],
  ['width=-5&height=10', 'M_UNKNOWN'],
  ['width=-99999999999999999999&height=10', 'M_UNKNOWN'],
  ['width=x&height=10', 'M_UNKNOWN'],
  ['width=1.5&height=10', 'M_UNKNOWN'],
  ['width=1.0&height=10', 'M_UNKNOWN'],
  ['width=1e2&height=10', 'M_UNKNOWN'],
  ['width=0x10&height=10', 'M_UNKNOWN'],
  ['width=10%20&height=10', 'M_UNKNOWN'],
  ['width=%D9%A1%D9%A0&height=10', 'M_UNKNOWN'],
  ['width=NaN&height=Infinity', 'M_UNKNOWN'],
  ['width=10&height=10&method=stretch', 'M_INVALID_PARAM'],
  ['width=10&height=10&method=Crop', 'M_INVALID_PARAM'],
  ['width=10&height=10&animated=maybe', 'M_INVALID_PARAM'],
];
for (const [query, errcode] of REFUSED) {
  test(`a thumbnail with "${query}" is refused with ${errcode}, and with 401 without a token`, async (t) => {
    const { app } = await createPlayedServer(t);
    const answer = await app.inject({ url: `${PATH}?${query}`, headers });
    assert.equal(answer.statusCode, 400);
    assert.equal(answer.json().errcode, errcode);
    assert.equal((await app.inject({ url: `${PATH}?${query}`, headers: { host: 'example.org' } })).statusCode, 401);
  });
}

const TAKEN: readonly [query: string, width: number, height: number, method: string][] = [
  ['width=32&height=48', 32, 48, 'scale'],
  ['width=32&height=48&method=crop', 32, 48, 'crop'],
  ['width=32&height=48&method=', 32, 48, 'scale'],
  ['width=32&width=x&height=48&height=1&method=crop&method=scale', 32, 48, 'crop'],
  ['width=%2B32&height=0048', 32, 48, 'scale'],
  ['width=99999999999999999999&height=1', MAX, 1, 'scale'],
  [`width=${'9'.repeat(400)}&height=${'9'.repeat(400)}`, MAX, MAX, 'scale'],
];
for (const [query, width, height, method] of TAKEN) {
  test(`a thumbnail with "${query.slice(0, 60)}" is one of ${width} by ${height}, ${method}`, async (t) => {
    const seen: unknown[] = [];
    const openThumbnail = async (_domain: unknown, asked: { readonly size: unknown; readonly method: unknown }) => {
      seen.push(asked.size, asked.method);
      throw new NotFound();
    };
    const { app } = await createPlayedServer(t, { openThumbnail });
    assert.equal((await app.inject({ url: `${PATH}?${query}`, headers })).statusCode, 404);
    assert.deepEqual(seen, [{ width, height }, method]);
  });
}

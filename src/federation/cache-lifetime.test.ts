import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheLifetimeMs } from './cache-lifetime.ts';

/** In hours. */
const MINIMUM = 5 / 60;
const NOW = Date.parse('Wed, 25 Nov 2026 12:00:00 GMT');

for (const [what, headers, hours] of [
  ['nothing is said', {}, 24],
  ['max-age is six hours', { 'cache-control': 'public, max-age=21600' }, 6],
  ['max-age is quoted', { 'cache-control': 'max-age="21600"' }, 6],
  ['max-age is written in capitals', { 'cache-control': 'Max-Age=21600' }, 6],
  ['it has lain in a cache for two of six hours', { 'cache-control': 'max-age=21600', age: '7200' }, 4],
  ['its age makes no sense', { 'cache-control': 'max-age=21600', age: '-1' }, 6],
  ['max-age is half an hour', { 'cache-control': 'max-age=1800' }, 0.5],
  ['max-age is a second', { 'cache-control': 'max-age=1' }, MINIMUM],
  ['max-age is a year', { 'cache-control': 'max-age=31536000' }, 48],
  ['max-age has no end', { 'cache-control': `max-age=${'9'.repeat(400)}` }, 48],
  ['max-age makes no sense', { 'cache-control': 'max-age=soon' }, 24],
  ['another directive ends like max-age', { 'cache-control': 's-max-age=60, xmax-age=60' }, 24],
  ['storing is forbidden', { 'cache-control': 'max-age=86400, no-store' }, MINIMUM],
  ['asking again is demanded', { 'cache-control': 'no-cache' }, MINIMUM],
  ['there are two headers', { 'cache-control': ['public', 'max-age=7200'] }, 2],
  ['it expires in three hours', { expires: 'Wed, 25 Nov 2026 15:00:00 GMT' }, 3],
  [
    'it expires three hours after its date',
    { date: 'Wed, 25 Nov 2026 10:00:00 GMT', expires: 'Wed, 25 Nov 2026 13:00:00 GMT' },
    3,
  ],
  ['it has expired', { expires: 'Wed, 25 Nov 2020 15:00:00 GMT' }, MINIMUM],
  ['it expires at no date', { expires: '0' }, MINIMUM],
  ['max-age stands beside Expires', { 'cache-control': 'max-age=7200', expires: 'Wed, 25 Nov 2026 20:00:00 GMT' }, 2],
] as const) {
  test(`a delegation is believed for ${hours * 60} minutes when ${what}`, () => {
    const lifetime = cacheLifetimeMs(headers as Record<string, string | string[]>, NOW);
    assert.equal(lifetime, hours * 3_600_000);
  });
}

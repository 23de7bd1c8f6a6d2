import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheLifetimeMs } from './cache-lifetime.ts';

const NOW = Date.parse('Wed, 25 Nov 2026 12:00:00 GMT');

for (const [what, headers, hours] of [
  ['nothing is said', {}, 24],
  ['max-age is six hours', { 'cache-control': 'public, max-age=21600' }, 6],
  ['max-age is quoted', { 'cache-control': 'max-age="21600"' }, 6],
  ['max-age is written in capitals', { 'cache-control': 'Max-Age=21600' }, 6],
  ['it has lain in a cache for two of six hours', { 'cache-control': 'max-age=21600', age: '7200' }, 4],
  ['its age makes no sense', { 'cache-control': 'max-age=21600', age: '-1' }, 6],
  ['max-age is a second', { 'cache-control': 'max-age=1' }, 1],
  ['max-age is a year', { 'cache-control': 'max-age=31536000' }, 48],
  ['max-age has no end', { 'cache-control': `max-age=${'9'.repeat(400)}` }, 48],
  ['max-age makes no sense', { 'cache-control': 'max-age=soon' }, 24],
  ['another directive ends like max-age', { 'cache-control': 's-max-age=60, xmax-age=60' }, 24],
  ['storing is forbidden', { 'cache-control': 'max-age=86400, no-store' }, 1],
  ['asking again is demanded', { 'cache-control': 'no-cache' }, 1],
  ['there are two headers', { 'cache-control': ['public', 'max-age=7200'] }, 2],
  ['it expires in three hours', { expires: 'Wed, 25 Nov 2026 15:00:00 GMT' }, 3],
  [
    'it expires three hours after its date',
    { date: 'Wed, 25 Nov 2026 10:00:00 GMT', expires: 'Wed, 25 Nov 2026 13:00:00 GMT' },
    3,
  ],
  ['it has expired', { expires: 'Wed, 25 Nov 2020 15:00:00 GMT' }, 1],
  ['it expires at no date', { expires: '0' }, 1],
  ['max-age stands beside Expires', { 'cache-control': 'max-age=7200', expires: 'Wed, 25 Nov 2026 20:00:00 GMT' }, 2],
] as const) {
  test(`a delegation is believed for ${hours} hours when ${what}`, () => {
    const lifetime = cacheLifetimeMs(headers as Record<string, string | string[]>, NOW);
    assert.equal(lifetime / 3_600_000, hours);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUniqueIds } from './unique-id.ts';

const NOW = 1_700_000_000_000;

test('an ID is 40 hexadecimal digits and a snowflake that tells time and machine', () => {
  const id = createUniqueIds({ machineId: 5, now: () => NOW })();
  assert.match(id, /^[0-9a-f]{40}[0-9]{19}$/);
  const snowflake = BigInt(id.slice(40));
  assert.equal(Number(snowflake >> 22n) + 1_288_834_974_657, NOW);
  assert.equal((snowflake >> 12n) & 1023n, 5n);
});

test('no snowflake is made twice, not within a millisecond nor when the clock jumps back', () => {
  let now = NOW;
  const newId = createUniqueIds({ machineId: 0, now: () => now, random: () => new Uint8Array(32) });
  const ids = new Set<string>();
  for (let count = 0; count < 10_000; count += 1) {
    if (count === 5_000) now -= 60_000;
    ids.add(newId());
  }
  assert.equal(ids.size, 10_000);
});

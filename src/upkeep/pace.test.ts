import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPace } from './pace.ts';

const never = new AbortController().signal;

test('a rate is kept over many small pieces, and none means no waiting', async () => {
  let ts = 0;
  let rate = 1000;
  const sleep = async (ms: number) => {
    ts += ms;
  };
  const pace = createPace({ bytesPerSecond: () => rate, elapsedMs: () => ts, sleep });
  for (let piece = 0; piece < 500; piece += 1) await pace.spend(10, never);
  assert.ok(ts >= 4_980 && ts <= 5_000, `5000 bytes took ${ts} ms`);
  rate = 0;
  await pace.spend(1_000_000, never);
  assert.ok(ts <= 5_000);
});

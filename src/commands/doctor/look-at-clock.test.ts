import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeClock } from './look-at-clock.ts';

for (const [aheadMs, state, words] of [
  [0, 'ok', /goes with/],
  [3_400, 'ok', /goes with/],
  [-8_500, 'warning', /9 seconds behind|8 seconds behind/],
  [9_000, 'warning', /9 seconds ahead of/],
  [-3_600_000, 'problem', /3600 seconds behind/],
] as const) {
  test(`a clock that is ${aheadMs} ms ahead, known to 3 seconds: ${state}`, () => {
    const diagnosis = judgeClock('example.org', aheadMs, 3_000);
    assert.equal(diagnosis.state, state);
    assert.match(diagnosis.found, words);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServerName } from '../matrix/index.ts';
import type { Delegation } from './delegation.ts';
import { createDelegationCache } from './delegation-cache.ts';

const never = new AbortController().signal;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const found = (name: string, hours: number): Delegation => {
  return { state: 'found', delegate: parseServerName(name), lifetimeMs: hours * HOUR };
};

/** A host whose word a test changes, and time that a test lets pass. */
function playHost(word: Delegation) {
  let time = 1_000_000;
  const host = { word, asked: 0 };
  const find = createDelegationCache({
    now: () => time,
    ask: async () => {
      host.asked += 1;
      return host.word;
    },
  });
  return {
    host,
    find: (name = 'example.org') => find(name, never),
    pass: (ms: number) => {
      time += ms;
    },
  };
}

test('a delegation is believed for its lifetime, and then asked for again', async () => {
  const { host, find, pass } = playHost(found('one.example.org', 24));
  assert.equal(await find(), 'one.example.org');
  host.word = found('two.example.org', 24);
  pass(24 * HOUR - 1);
  assert.equal(await find(), 'one.example.org');
  pass(1);
  assert.equal(await find(), 'two.example.org');
  assert.equal(host.asked, 2);
});

test('names are the same in any case of letters, and different names are asked for one by one', async () => {
  const { host, find } = playHost(found('one.example.org', 24));
  await find('Example.ORG');
  await find('example.org');
  assert.equal(host.asked, 1);
  await find('example.net');
  assert.equal(host.asked, 2);
});

test('that there is none is believed for an hour', async () => {
  const { host, find, pass } = playHost({ state: 'absent' });
  assert.equal(await find(), undefined);
  host.word = found('two.example.org', 24);
  pass(HOUR - 1);
  assert.equal(await find(), undefined);
  pass(1);
  assert.equal(await find(), 'two.example.org');
});

test('that there is none any more is believed at once, but for a minute at first, until two days after there was one', async () => {
  const { host, find, pass } = playHost(found('one.example.org', 1));
  await find();
  pass(HOUR);
  host.word = { state: 'absent' };
  assert.equal(await find(), undefined);
  host.word = { state: 'failed' };
  pass(MINUTE);
  assert.equal(await find(), undefined, 'it has been taken back');
  host.word = found('two.example.org', 1);
  pass(2 * MINUTE - 1);
  assert.equal(await find(), undefined);
  pass(1);
  assert.equal(await find(), 'two.example.org');
  host.word = { state: 'absent' };
  pass(48 * HOUR);
  assert.equal(await find(), undefined);
  host.word = found('three.example.org', 1);
  pass(HOUR - 1);
  assert.equal(await find(), undefined);
  pass(1);
  assert.equal(await find(), 'three.example.org');
});

test('a host that cannot be asked is asked again after a minute, then less and less often up to an hour', async () => {
  const { host, find, pass } = playHost({ state: 'failed' });
  const waits = [];
  for (let i = 0; i < 9; i += 1) {
    assert.equal(await find(), undefined);
    const before = host.asked;
    let minutes = 0;
    while (host.asked === before) {
      pass(MINUTE);
      minutes += 1;
      await find();
    }
    waits.push(minutes);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test('what a host said last counts for two days when it cannot be asked', async () => {
  const { host, find, pass } = playHost(found('one.example.org', 1));
  await find();
  host.word = { state: 'failed' };
  pass(HOUR);
  assert.equal(await find(), 'one.example.org');
  pass(47 * HOUR - 1);
  assert.equal(await find(), 'one.example.org');
  pass(1);
  assert.equal(await find(), undefined);
  pass(HOUR);
  host.word = found('two.example.org', 1);
  assert.equal(await find(), 'two.example.org');
});

test('those who ask at the same time wait for one answer', async () => {
  const { promise, resolve } = Promise.withResolvers<Delegation>();
  let asked = 0;
  const find = createDelegationCache({
    now: () => 0,
    ask: () => {
      asked += 1;
      return promise;
    },
  });
  const all = Promise.all([find('example.org', never), find('example.org', never)]);
  resolve(found('one.example.org', 1));
  assert.deepEqual(await all, ['one.example.org', 'one.example.org']);
  assert.equal(asked, 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bus, createBus } from '../cluster/index.ts';
import type { Database } from '../database/index.ts';
import type { MxcUri } from '../matrix/index.ts';
import { createMediaRecords } from './media-records.ts';

const patient = new AbortController().signal;
const uri = (mediaId: string) => ({ origin: 'example.org', mediaId }) as MxcUri;

/** Records over a database that counts what it is asked, and what others would say to them. */
function play() {
  let queries = 0;
  const rows = [{ origin: 'example.org', media_id: 'any', requires_authentication: false }];
  const count = async () => {
    queries += 1;
    return rows[0];
  };
  const query: unknown = new Proxy({}, { get: (_, name) => (name === 'executeTakeFirst' ? count : () => query) });
  const database = { db: query } as unknown as Database; // all that is used of it
  let hear = (_message: string) => {};
  let missSomething = () => {};
  const said: string[] = [];
  const bus: Bus = {
    ...createBus(),
    publish: (_channel, message) => void said.push(message),
    hearOthers(_channel, listener) {
      hear = listener;
      return { [Symbol.dispose]() {} };
    },
    onGap(listener) {
      missSomething = listener;
      return { [Symbol.dispose]() {} };
    },
  };
  const records = createMediaRecords({ database, bus, now: () => 1 });
  return {
    records,
    said,
    hear: (message: string) => hear(message),
    missSomething: () => missSomething(),
    /** Whether the database had to be asked. */
    isAsked: async (mediaId: string) => {
      const before = queries;
      await records.find(uri(mediaId), patient);
      return queries > before;
    },
  };
}

test('one record that has changed is forgotten, here and everywhere, and no other', async () => {
  const { records, said, isAsked, hear } = play();
  for (const name of ['a', 'b']) assert.equal(await isAsked(name), true);
  for (const name of ['a', 'b']) assert.equal(await isAsked(name), false);
  records.forget(uri('a'));
  assert.deepEqual(said, ['mxc://example.org/a']);
  assert.deepEqual([await isAsked('a'), await isAsked('b')], [true, false]);
  hear('mxc://example.org/b');
  assert.deepEqual([await isAsked('a'), await isAsked('b')], [false, true]);
  assert.equal(said.length, 1, 'what was heard is not said again');
});

test('all records are forgotten when all may have changed, and when a message may have been missed', async () => {
  const { records, said, isAsked, hear, missSomething } = play();
  for (const forget of [records.forgetAll, () => hear('*'), missSomething]) {
    await isAsked('a');
    assert.equal(await isAsked('a'), false);
    forget();
    assert.equal(await isAsked('a'), true);
  }
  assert.deepEqual(said, ['*']);
});

test('what is being asked for while it changes is not remembered', async () => {
  const { records, isAsked, hear } = play();
  const found = records.find(uri('a'), patient);
  hear('mxc://example.org/a');
  await found;
  assert.equal(await isAsked('a'), true);
});

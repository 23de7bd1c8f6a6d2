import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredObject } from '../datastores/index.ts';
import { InternalError, Unavailable } from '../matrix/index.ts';
import { followMoves } from './follow-moves.ts';

const CONTENT = Buffer.from('twenty bytes of data');
const WHOLE = { start: 0, end: CONTENT.length - 1 };

/** An object that brings two bytes at a time, and breaks with the error at a position. */
function play(error?: Error, at = 0) {
  const state = { isOpen: true };
  const object: StoredObject = {
    sizeBytes: CONTENT.length,
    async confirm() {
      if (error !== undefined) throw error;
    },
    async *read({ start, end }) {
      for (let position = start; position <= end; position += 2) {
        if (error !== undefined && position >= at) throw error;
        yield CONTENT.subarray(position, Math.min(position + 2, end + 1));
      }
    },
    async [Symbol.asyncDispose]() {
      state.isOpen = false;
    },
  };
  return { object, state };
}

async function readAll(object: StoredObject, signal: AbortSignal, range = WHOLE): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of object.read(range, signal)) chunks.push(Buffer.from(chunk));
  return String(Buffer.concat(chunks));
}

test('content that has moved is read on where it is by now, from the start and from the middle, twice if need be', async (t) => {
  for (const at of [0, 8]) {
    const lost = new InternalError();
    const [first, second, third] = [play(lost, at), play(lost, at + 4), play()];
    const places = [second.object, third.object];
    const object = followMoves(first.object, async () => places.shift());
    assert.equal(await readAll(object, t.signal), String(CONTENT));
    await object[Symbol.asyncDispose]();
    assert.deepEqual(
      [first, second, third].map(({ state }) => state.isOpen),
      [false, false, false],
    );
  }
  const ranged = followMoves(play(new InternalError(), 7).object, async () => play().object);
  assert.equal(await readAll(ranged, t.signal, { start: 3, end: 12 }), 'nty bytes ');
  await followMoves(play(new InternalError()).object, async () => play().object).confirm?.(t.signal);
});

test('what is lost stays lost, and a datastore that is away is no reason to look elsewhere', async (t) => {
  const lost = new InternalError();
  await assert.rejects(
    readAll(
      followMoves(play(lost, 4).object, async () => undefined),
      t.signal,
    ),
    lost,
  );
  const away = new Unavailable('away');
  const elsewhere = async () => assert.fail('looked elsewhere');
  await assert.rejects(readAll(followMoves(play(away, 4).object, elsewhere), t.signal), away);
  await assert.rejects(async () => followMoves(play(away).object, elsewhere).confirm?.(t.signal), away);
});

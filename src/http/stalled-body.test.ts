import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Stalled } from '../matrix/index.ts';
import { refuseStalled } from './stalled-body.ts';

const PERIOD_MS = 60_000;

/** A body whose chunks come when the test says so, on a clock that it moves. */
function playBody(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let isClosed = false;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const source: AsyncIterable<Uint8Array> = {
    async *[Symbol.asyncIterator]() {
      try {
        yield* readable;
      } finally {
        isClosed = true;
      }
    },
  };
  const writer = writable.getWriter();
  const body = refuseStalled(source, PERIOD_MS, () => Date.now())[Symbol.asyncIterator]();
  return {
    body,
    isClosed: () => isClosed,
    async send(bytes: number) {
      void writer.write(new Uint8Array(bytes));
      await setImmediate();
    },
    end: () => writer.close(),
    async pass(ms: number) {
      await setImmediate();
      t.mock.timers.tick(ms);
    },
  };
}

test('a body that comes steadily is passed on whole', async (t) => {
  const { body, send, end, pass } = playBody(t);
  for (let count = 0; count < 5; count += 1) {
    const next = body.next();
    await pass(PERIOD_MS - 1);
    await send(20_000);
    assert.equal((await next).value?.length, 20_000);
  }
  const last = body.next();
  await end();
  assert.equal((await last).done, true);
});

test('a body of which next to nothing comes is given up, however often a little comes', async (t) => {
  const { body, send, pass } = playBody(t);
  for (let count = 0; count < 5; count += 1) {
    const next = body.next();
    await pass(PERIOD_MS / 6);
    await send(100);
    assert.equal((await next).value?.length, 100);
  }
  const refused = assert.rejects(body.next(), Stalled);
  await pass(PERIOD_MS / 6);
  await refused;
});

test('the time that a slow disk takes for a chunk does not count', async (t) => {
  const { body, send, pass } = playBody(t);
  for (let count = 0; count < 5; count += 1) {
    await send(1000);
    assert.equal((await body.next()).value?.length, 1000);
    await pass(PERIOD_MS * 2); // the disk
  }
  await send(1000);
  assert.equal((await body.next()).value?.length, 1000);
});

test('who stops reading lets the body go', async (t) => {
  const { body, isClosed, send } = playBody(t);
  await send(1000);
  await body.next();
  await body.return?.(undefined);
  await setImmediate();
  assert.equal(isClosed(), true);
});

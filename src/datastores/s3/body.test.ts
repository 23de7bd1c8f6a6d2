import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type BodyEnd, readBody } from './body.ts';

const TIMEOUT_MS = 20_000;

function start(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const body = new PassThrough();
  let counted = 0;
  const reading = readBody(body, TIMEOUT_MS, t.signal, (bytes) => {
    counted += bytes;
  });
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) t.mock.timers.tick(1_000);
  };
  return { body, reading, pass, counted: () => counted };
}

async function endOf(reading: AsyncGenerator<Uint8Array, BodyEnd>): Promise<BodyEnd | 'more'> {
  const next = await reading.next();
  return next.done === true ? next.value : 'more';
}

test('a body is read to its end', async (t) => {
  const { body, reading, counted } = start(t);
  body.end('all of it');
  assert.equal(String((await reading.next()).value), 'all of it');
  assert.equal(await endOf(reading), 'over');
  assert.equal(counted(), 9);
});

test('a body that brings nothing for too long is broken, however long its reader took before', async (t) => {
  const { body, reading, pass } = start(t);
  body.write('some');
  await reading.next();
  pass(4);
  const rest = endOf(reading);
  pass(19);
  body.write('more');
  assert.equal(await rest, 'more');
  const end = endOf(reading);
  pass(20);
  assert.equal(await end, 'broken');
  assert.ok(body.destroyed);
});

test('a body whose reader takes its time is let go, so that others get the connection', async (t) => {
  const { body, reading, pass } = start(t);
  body.write('some');
  await reading.next();
  pass(5);
  assert.ok(body.destroyed);
  assert.equal(await endOf(reading), 'let go');
});

test('a reader that stops destroys the body', async (t) => {
  const { body, reading } = start(t);
  body.write('some');
  await reading.next();
  await reading.return('over');
  assert.ok(body.destroyed);
});

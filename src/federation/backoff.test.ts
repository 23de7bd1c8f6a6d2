import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bus, createBus } from '../cluster/index.ts';
import { RemoteUnavailable } from '../matrix/index.ts';
import { openLog } from '../telemetry/index.ts';
import { createBackoff } from './backoff.ts';

const ALLOWED = 3;

function playBackoff(drawn = 0.5, bus = createBus()) {
  let time = 0;
  let allowed = ALLOWED;
  const logged: string[] = [];
  const output = (line: string) => void logged.push(line);
  const { log } = openLog({ level: 'info', colors: false, json: true, directory: '', now: () => time, output });
  const backoff = createBackoff({ now: () => time, random: () => drawn, failuresAllowed: () => allowed, bus, log });
  const begin = (name = 'example.org') => backoff.begin(name);
  return {
    begin,
    logged,
    fail: (times: number, name?: string) => {
      for (let i = 0; i < times; i += 1) begin(name).fail();
    },
    isLeftAlone: (name?: string) => {
      try {
        begin(name).leave();
        return false;
      } catch (error) {
        assert.ok(error instanceof RemoteUnavailable && error.trouble === 'left alone');
        return true;
      }
    },
    pass: (ms: number) => {
      time += ms;
    },
    allow: (failures: number) => {
      allowed = failures;
    },
  };
}

test('a server is left alone after so many failures in a row, and no earlier', () => {
  const { fail, isLeftAlone } = playBackoff();
  fail(ALLOWED - 1);
  assert.equal(isLeftAlone(), false);
  fail(1);
  assert.equal(isLeftAlone(), true);
  assert.equal(isLeftAlone('Example.ORG'), true);
  assert.equal(isLeftAlone('example.net'), false, 'another server is not meant');
});

test('a success in between starts the count anew', () => {
  const { fail, begin, isLeftAlone } = playBackoff();
  fail(ALLOWED - 1);
  begin().succeed();
  fail(ALLOWED - 1);
  assert.equal(isLeftAlone(), false);
});

test('pauses grow by half with each failed try, up to a minute', () => {
  const { fail, isLeftAlone, pass } = playBackoff();
  fail(ALLOWED);
  const isPausedFor = (ms: number) => {
    pass(ms - 1);
    assert.equal(isLeftAlone(), true, `${ms} ms have not passed`);
    pass(1);
    assert.equal(isLeftAlone(), false, `${ms} ms have passed`);
    fail(1);
  };
  for (const ms of [500, 750, 1125]) isPausedFor(ms);
  for (let i = 0; i < 10; i += 1) {
    pass(60_000);
    fail(1);
  }
  for (const ms of [60_000, 60_000]) isPausedFor(ms);
});

for (const [drawn, ms] of [
  [0, 250],
  [0.999, 750],
] as const) {
  test(`a draw of ${drawn} makes the first pause ${ms} ms`, () => {
    const { fail, isLeftAlone, pass } = playBackoff(drawn);
    fail(ALLOWED);
    pass(ms - 1);
    assert.equal(isLeftAlone(), true);
    pass(1);
    assert.equal(isLeftAlone(), false);
  });
}

test('after a pause one request tries, and the others are refused until it has ended', () => {
  const { begin, fail, isLeftAlone, pass } = playBackoff();
  fail(ALLOWED);
  pass(500);
  const attempt = begin();
  assert.equal(isLeftAlone(), true);
  attempt.leave();
  assert.equal(isLeftAlone(), false, 'one who left has shown nothing');
  begin().succeed();
  fail(ALLOWED - 1);
  assert.equal(isLeftAlone(), false, 'a success ends it, and the count is new');
});

test('requests that began before the pause do not make it longer', () => {
  const { begin, isLeftAlone, pass } = playBackoff();
  const attempts = Array.from({ length: 10 }, () => begin());
  for (const attempt of attempts) attempt.fail();
  pass(500);
  assert.equal(isLeftAlone(), false);
});

test('who leaves never counts', () => {
  const { begin, isLeftAlone } = playBackoff();
  for (let i = 0; i < 100; i += 1) begin().leave();
  assert.equal(isLeftAlone(), false);
});

test('the number of failures is read when one happens, and 0 means 20', () => {
  const { fail, isLeftAlone, allow } = playBackoff();
  allow(0);
  fail(19);
  assert.equal(isLeftAlone(), false);
  allow(5);
  fail(1);
  assert.equal(isLeftAlone(), true);
});

test('the refusal says when to come again, and the log when a pause begins and ends', () => {
  const { fail, begin, pass, logged } = playBackoff();
  fail(ALLOWED);
  assert.throws(begin, { status: 503, retryAfterSeconds: 1 });
  pass(500);
  begin().fail();
  pass(750);
  begin().succeed();
  assert.equal(logged.length, 2);
  assert.match(logged[0] ?? '', /left alone.*"example\.org"/);
  assert.match(logged[1] ?? '', /answers again/);
});

test('what one process learns of a server, the others know', () => {
  const [one, other] = joinBuses().map((bus) => playBackoff(0.5, bus));
  assert.ok(one && other);
  one.fail(2);
  other.fail(1);
  assert.equal(one.isLeftAlone(), true);
  assert.equal(other.isLeftAlone(), true);
  assert.equal(one.logged.length, 0);
  assert.equal(other.logged.length, 1);
  one.pass(500);
  other.pass(500);
  const attempt = one.begin();
  attempt.fail();
  assert.equal(other.isLeftAlone(), true, 'it failed again');
  one.pass(750);
  other.pass(749);
  assert.equal(other.isLeftAlone(), true, 'the pause is as long as where the server was tried');
  one.begin().succeed();
  assert.equal(other.isLeftAlone(), false);
  other.fail(ALLOWED - 1);
  assert.equal(other.isLeftAlone(), false, 'and the count is new');
});

test('a server that works is nothing to talk about', () => {
  const bus = { ...createBus(), publish: () => assert.fail('told the others') };
  const { begin } = playBackoff(0.5, bus);
  for (let i = 0; i < 3; i += 1) begin().succeed();
});

/** Two processes; what one says, the other hears at once. */
function joinBuses(): Bus[] {
  const listeners: ((message: string) => void)[] = [];
  return [0, 1].map((index) => ({
    ...createBus(),
    publish: (_channel, message) => listeners[1 - index]?.(message),
    hearOthers(_channel, listener) {
      listeners[index] = listener;
      return { [Symbol.dispose]() {} };
    },
  }));
}

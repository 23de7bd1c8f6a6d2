import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBatchedQuestions } from './batched-questions.ts';

const NEVER = new AbortController().signal;

/** Questions that the test answers by hand. */
function setUp(maxNames = 10) {
  const asked: string[][] = [];
  const open: PromiseWithResolvers<ReadonlyMap<string, string>>[] = [];
  const signals: AbortSignal[] = [];
  const ask = createBatchedQuestions<string, string>(maxNames, async (names, signal) => {
    asked.push([...names]);
    signals.push(signal);
    const question = Promise.withResolvers<ReadonlyMap<string, string>>();
    open.push(question);
    signal.addEventListener('abort', () => {
      if (open.includes(question)) open.splice(open.indexOf(question), 1);
      question.reject(signal.reason);
    });
    return await question.promise;
  });
  /** Answers the oldest open question for all of its names, and waits until the next one is asked. */
  const answer = async () => {
    const question = open.shift();
    question?.resolve(new Map((asked.at(-1) ?? []).map((name) => [name, name.toUpperCase()])));
    await new Promise(setImmediate);
  };
  return { ask, asked, open, signals, answer };
}

test('the first is asked for at once, and those that come meanwhile together, each name once', async () => {
  const { ask, asked, answer } = setUp();
  const all = Promise.all(['a', 'b', 'c', 'b'].map((name) => ask(name, NEVER)));
  assert.deepEqual(asked, [['a']]);
  await answer();
  assert.deepEqual(asked, [['a'], ['b', 'c']]);
  await answer();
  assert.deepEqual(await all, ['A', 'B', 'C', 'B']);
  const later = ask('d', NEVER);
  assert.deepEqual(asked.at(-1), ['d'], 'nothing is under way any more');
  await answer();
  assert.equal(await later, 'D');
});

test('a question has no more names than it may', async () => {
  const { ask, asked, answer } = setUp(2);
  const all = Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => ask(name, NEVER)));
  for (let count = 0; count < 4; count += 1) await answer();
  assert.deepEqual(asked, [['a'], ['b', 'c'], ['d', 'e'], ['f']]);
  assert.deepEqual(await all, ['A', 'B', 'C', 'D', 'E', 'F']);
});

test('a question that fails is told to those who wait for it, and to nobody else', async () => {
  const { ask, open, answer } = setUp();
  const [one, two] = [ask('a', NEVER), ask('b', NEVER)];
  open.shift()?.reject(new Error('away'));
  await assert.rejects(one, /away/);
  await answer();
  assert.equal(await two, 'B');
});

test('what there is no answer for is undefined', async () => {
  const { ask, open } = setUp();
  const asking = ask('a', NEVER);
  open.shift()?.resolve(new Map());
  assert.equal(await asking, undefined);
});

test('who leaves gets the reason, and when all have left the question is given up', async () => {
  const { ask, asked, signals, answer } = setUp();
  const [first, second] = [new AbortController(), new AbortController()];
  const [one, two] = [ask('a', first.signal), ask('b', second.signal)];
  first.abort(new Error('first left'));
  await assert.rejects(one, /first left/);
  assert.ok(signals[0]?.aborted);
  second.abort(new Error('second left'));
  await assert.rejects(two, /second left/);
  await assert.rejects(ask('c', AbortSignal.abort(new Error('gone before'))), /gone before/);
  const three = ask('d', NEVER);
  await new Promise(setImmediate);
  assert.deepEqual(asked.at(-1), ['d'], 'whoever comes then starts anew');
  await answer();
  assert.equal(await three, 'D');
});

test('a question that waits is not asked when all have left before its turn', async () => {
  const { ask, asked, answer } = setUp();
  const leaving = new AbortController();
  const [one, two] = [ask('a', NEVER), ask('b', leaving.signal)];
  leaving.abort(new Error('left'));
  await assert.rejects(two, /left/);
  const three = ask('c', NEVER);
  await answer();
  await answer();
  assert.deepEqual(asked, [['a'], ['c']]);
  assert.deepEqual(await Promise.all([one, three]), ['A', 'C']);
});

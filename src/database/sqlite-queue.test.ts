import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import type { SqliteAnswer, SqliteTask } from './sqlite-messages.ts';
import { SqliteQueue } from './sqlite-queue.ts';

function makeQueue() {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE t (name TEXT PRIMARY KEY, big BLOB)');
  const answered: (readonly SqliteAnswer[])[] = [];
  const queue = new SqliteQueue(database, (answers) => answered.push(answers));
  let id = 0;
  return {
    database,
    /** All of it came in at the same time. @returns the answers, in the order and the groups in which they went out */
    handle(...tasks: SqliteTask[]): (readonly SqliteAnswer[])[] {
      answered.length = 0;
      queue.handle(tasks.map((task) => ({ ...task, id: id++ })));
      return [...answered];
    },
    names: () =>
      database
        .prepare('SELECT name FROM t ORDER BY name')
        .all()
        .map((row) => row['name']),
  };
}

const insert = (name: string) => ({ sql: 'INSERT INTO t (name) VALUES (?)', parameters: [name] });
const write = (...names: string[]): SqliteTask => ({ kind: 'write', statements: names.map(insert) });
const count: SqliteTask = { kind: 'read', statement: { sql: 'SELECT count(*) AS count FROM t', parameters: [] } };

function outcome(answer: SqliteAnswer | undefined): unknown {
  if (answer === undefined) return undefined;
  return 'failure' in answer ? answer.failure.code : { ...answer.results[0]?.rows[0] };
}

test('writes that wait together are answered together, one that fails fails alone', () => {
  const { handle, names } = makeQueue();
  const answers = handle(write('a'), write('b', 'a'), write('c'), write('a'), write('d', 'e'));
  assert.deepEqual(
    answers.map((group) => group.map(({ id }) => id)),
    [[0, 1, 2, 3, 4]],
  );
  assert.deepEqual(
    answers.flat().map((answer) => 'failure' in answer && answer.failure.code),
    [false, 1555, false, 1555, false],
  );
  assert.deepEqual(names(), ['a', 'c', 'd', 'e']);
});

test('reads are answered before the writes that they came with, and do not see them', () => {
  const { handle } = makeQueue();
  const answers = handle(write('a'), count, write('b'), count);
  assert.deepEqual(
    answers.map((group) => group.map(({ id }) => id)),
    [
      [1, 3],
      [0, 2],
    ],
  );
  assert.deepEqual(outcome(answers[0]?.[0]), { count: 0 });
});

test('while a transaction is open everything else waits for its end', () => {
  const { handle, names } = makeQueue();
  handle({ kind: 'begin', transaction: 1 }, write('late'), count, { kind: 'begin', transaction: 2 });
  assert.deepEqual(
    handle({ kind: 'within', transaction: 1, statement: insert('a') }, write('later'))
      .flat()
      .map(({ id }) => id),
    [4],
  );
  const ended = handle({ kind: 'commit', transaction: 1 });
  assert.deepEqual(
    ended.flat().map(({ id }) => id),
    [6, 2, 1, 3], // the commit, then who waited, up to the next transaction
  );
  assert.deepEqual(names(), ['a', 'late']);
  handle({ kind: 'rollback', transaction: 2 });
  assert.deepEqual(names(), ['a', 'late', 'later']);
});

test('a transaction that is rolled back leaves nothing', () => {
  const { handle, names } = makeQueue();
  handle(
    { kind: 'begin', transaction: 1 },
    { kind: 'within', transaction: 1, statement: insert('a') },
    { kind: 'rollback', transaction: 1 },
    write('b'),
  );
  assert.deepEqual(names(), ['b']);
});

test('a full disk fails the write that does not fit, and no other', () => {
  const { database, handle, names } = makeQueue();
  database.exec('PRAGMA max_page_count = 20');
  const large: SqliteTask = {
    kind: 'write',
    statements: [insert('half'), { sql: 'INSERT INTO t VALUES (?, zeroblob(1000000))', parameters: ['large'] }],
  };
  const answers = handle(write('a'), large, write('b'), large).flat();
  assert.deepEqual(
    answers.map((answer) => 'failure' in answer && answer.failure.code),
    [false, 13, false, 13],
  );
  assert.deepEqual(names(), ['a', 'b']);
  assert.equal(database.isTransaction, false);
});

test('a transaction that a full disk has ended does not go on by itself', () => {
  const { database, handle, names } = makeQueue();
  database.exec('PRAGMA max_page_count = 20');
  const large = { sql: 'INSERT INTO t VALUES (?, zeroblob(1000000))', parameters: ['large'] };
  const answers = handle(
    { kind: 'begin', transaction: 1 },
    { kind: 'within', transaction: 1, statement: insert('a') },
    { kind: 'within', transaction: 1, statement: large },
  ).flat();
  assert.equal(outcome(answers[2]), 13);
  if (database.isTransaction) database.exec('ROLLBACK'); // as it does with a real disk
  const after = handle(
    { kind: 'within', transaction: 1, statement: insert('b') },
    { kind: 'commit', transaction: 1 },
    { kind: 'rollback', transaction: 1 },
    write('c'),
  ).flat();
  assert.deepEqual(
    after.map((answer) => 'failure' in answer),
    [true, true, false, false],
  );
  assert.deepEqual(names(), ['c']);
});

test("a statement that SQLite does not understand is its sender's trouble only", () => {
  const { handle, names } = makeQueue();
  const nonsense: SqliteTask = { kind: 'write', statements: [insert('x'), { sql: 'INSRET', parameters: [] }] };
  const answers = handle(nonsense, write('a')).flat();
  assert.deepEqual(
    answers.map((answer) => 'failure' in answer),
    [true, false],
  );
  assert.deepEqual(names(), ['a']);
});

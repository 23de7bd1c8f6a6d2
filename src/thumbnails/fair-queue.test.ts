import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairQueue } from './fair-queue.ts';

function takeAllOf<Item>(queue: FairQueue<Item>): Item[] {
  const taken: Item[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

function queueOf(...names: readonly string[]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const name of names) queue.add(name.slice(0, 1), name);
  return queue;
}

test('groups take turns, whatever order they came in', () => {
  assert.deepEqual(takeAllOf(queueOf('a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1')), [
    'a1',
    'b1',
    'c1',
    'a2',
    'b2',
    'a3',
    'a4',
  ]);
});

test('a group that comes later has its turn after those that wait', () => {
  const queue = queueOf('a1', 'a2', 'a3');
  assert.equal(queue.take(), 'a1');
  queue.add('b', 'b1');
  assert.deepEqual(takeAllOf(queue), ['a2', 'b1', 'a3']);
});

test('who has left is not served, and is not counted', () => {
  const queue = queueOf('a1', 'a2', 'b1');
  queue.delete('a', 'a1');
  queue.delete('b', 'b1');
  queue.delete('b', 'b1');
  assert.equal(queue.size, 1);
  assert.deepEqual(takeAllOf(queue), ['a2']);
});

for (const [waiting, group, gone] of [
  [['a1', 'a2', 'a3'], 'b', 'a3'],
  [['a1', 'a2', 'a3', 'b1'], 'b', 'a3'],
  [['a1', 'a2', 'b1'], 'b', undefined],
  [['a1', 'b1', 'b2', 'b3'], 'c', 'b3'],
  [['a1', 'a2', 'a3'], 'a', undefined],
  [['a1'], 'b', undefined],
  [[], 'a', undefined],
] as const) {
  test(`in a queue of ${waiting.join(' ') || 'nothing'}, ${gone ?? 'nobody'} makes room for one more ${group}`, () => {
    const queue = queueOf(...waiting);
    assert.equal(queue.giveWayTo(group), gone);
    assert.deepEqual(
      queue.takeAll().toSorted(),
      waiting.filter((name) => name !== gone),
    );
    assert.equal(queue.size, 0);
  });
}

test('nobody is lost, and no group is served twice before another that waits', () =>
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd')), (groups) => {
      const queue = new FairQueue<string>();
      for (const [index, group] of groups.entries()) queue.add(group, `${group}${index}`);
      const taken = takeAllOf(queue);
      assert.deepEqual(taken.toSorted(), groups.map((group, index) => `${group}${index}`).toSorted());
      for (const [index, name] of taken.entries()) {
        const group = name.slice(0, 1);
        const rest = taken.slice(index + 1);
        const again = rest.findIndex((later) => later.startsWith(group));
        if (again === -1) continue;
        const waiting = new Set(rest.map((later) => later.slice(0, 1)));
        assert.deepEqual(new Set(rest.slice(0, again + 1).map((later) => later.slice(0, 1))), waiting);
      }
    }),
  ));

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseCrumbs } from './refuse-crumbs.ts';

async function countBytes(sizes: Iterable<number>): Promise<number> {
  async function* body() {
    for (const size of sizes) yield new Uint8Array(size);
  }
  let bytes = 0;
  for await (const piece of refuseCrumbs(body(), (minPieceBytes) => new Error(`at least ${minPieceBytes}`)))
    bytes += piece.length;
  return bytes;
}

function* repeat(size: number, count: number) {
  for (let sent = 0; sent < count; sent += 1) yield size;
}

test('a body in pieces of a byte each is refused before it is long', () =>
  assert.rejects(countBytes(repeat(1, 5_000)), /at least 32/));

test('a short body may come byte by byte, and a long one in small pieces', async () => {
  assert.equal(await countBytes(repeat(1, 4_000)), 4_000);
  assert.equal(await countBytes(repeat(40, 20_000)), 800_000);
  assert.equal(await countBytes([...repeat(1, 4_000), ...repeat(65_536, 3)]), 200_608);
});

import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ENGINES, makeServiceFolder, pathOf, startServiceIn, uploadBytes } from './service.ts';

for (const [stored, sent] of [
  ['text/plain; name="☕"', 'application/octet-stream'],
  ['image/png\r\nSet-Cookie: a=b', 'application/octet-stream'],
  ['', 'application/octet-stream'],
  ['image/png; a=b', 'image/png; a=b'],
] as const) {
  test(`media that another program has stored as ${JSON.stringify(stored)} is sent as ${sent}`, async (t) => {
    const folder = await makeServiceFolder(t, ENGINES[0]);
    const service = await startServiceIn(t, folder);
    const sizes = [10, 100_000]; // remembered in memory, and read from the disk
    const uris = await Promise.all(sizes.map((size) => uploadBytes(service.ask, Buffer.alloc(size, `${size}`))));
    await service.stop();
    const database = new DatabaseSync(`${folder.path}/vitrine.db`);
    database.prepare('UPDATE media SET content_type = ?').run(stored);
    database.close();

    const again = await startServiceIn(t, folder);
    for (const uri of uris) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await again.ask(pathOf(uri), { method, signal: AbortSignal.timeout(10_000) });
        await answer.arrayBuffer();
        assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, sent]);
        assert.equal(answer.headers.get('set-cookie'), null);
      }
    }
  });
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProcess } from './process.ts';
import { ask, ENGINES, makeServiceFolder, pathOf, uploadBytes } from './service.ts';

for (const engine of ENGINES) {
  test(`on ${engine.name}: a full disk is 507 for the upload, with the cause in the log, and no trouble for others`, {
    skip: engine.skip,
  }, async (t) => {
    const folder = await makeServiceFolder(t, engine, {
      repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
    });
    const service = await startProcess(t, { ...folder, maxFileKib: 1024 });
    const asking = (path: string, init?: RequestInit) => ask(service.url, path, init);
    const uri = await uploadBytes(asking, Buffer.from('before'));
    const running = uploadBytes(asking, randomBytes(500_000));
    const full = await asking('/_matrix/media/v3/upload', { method: 'POST', body: randomBytes(3_000_000) });
    assert.equal(full.status, 507);
    assert.deepEqual(await full.json(), {
      errcode: 'M_UNKNOWN',
      error: 'The server has no space left for this upload',
      mr_errcode: 'M_UNKNOWN',
    });
    await running;
    assert.equal(await (await asking(pathOf(uri))).text(), 'before');
    assert.deepEqual(await readdir(join(folder.media, '.vitrine-tmp')), []);
    const logged = service.lines.find((line) => line.includes('"status":507') === false && /EFBIG|ENOSPC/.test(line));
    assert.ok(logged?.includes('"level":"error"'), 'the cause is not in the log');
  });
}

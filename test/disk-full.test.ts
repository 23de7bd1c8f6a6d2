import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { startProcess } from './process.ts';
import { startS3Server } from './s3-server.ts';
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

test('a full disk below tempPath of a bucket is 507 for what would not fit, and leaves nothing there or in the bucket', async (t) => {
  const server = await startS3Server(t);
  const [sqlite] = ENGINES;
  const folder = await makeServiceFolder(t, sqlite, {
    repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
  });
  const tempPath = join(folder.path, 'spool');
  const opts = { ...server.opts, tempPath };
  const config = parse(await readFile(folder.configPath, 'utf8')) as Record<string, unknown>;
  const datastores = [{ id: 'bucket', type: 's3', forKinds: ['all'], opts }];
  await writeFile(folder.configPath, stringify({ ...config, datastores }));
  const service = await startProcess(t, { ...folder, maxFileKib: 1024 });
  const asking = (path: string, init?: RequestInit) => ask(service.url, path, init);
  const bytes = randomBytes(500_000);
  const running = uploadBytes(asking, bytes);
  const full = await asking('/_matrix/media/v3/upload', { method: 'POST', body: randomBytes(3_000_000) });
  assert.equal(full.status, 507);
  const uri = await running;
  assert.ok(Buffer.from(await (await asking(pathOf(uri))).arrayBuffer()).equals(bytes));
  assert.equal((await server.keys()).length, 1);
  assert.deepEqual(await server.openUploads(), []);
  const left = (await readdir(tempPath, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  assert.deepEqual(left, []);
  assert.ok(service.lines.some((line) => line.includes('"level":"error"') && line.includes('EFBIG')));
});

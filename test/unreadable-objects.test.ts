import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BEGINNING, checkStorage, type ToldFinding } from '../src/upkeep/index.ts';
import { ADMIN_SECTIONS, askAsAdmin, untilFinished } from './admin.ts';
import { runCheck } from './run-check.ts';
import { runVitrine } from './run-vitrine.ts';
import { type AskedOfS3, type S3Fault, startS3Server } from './s3-server.ts';
import { ENGINES, listObjects, makeServiceFolder, pathOf, startServiceIn, uploadBytes } from './service.ts';
import { enginesOf, OUR_NAME, openStore } from './store.ts';

const FORBIDDEN: S3Fault = { kind: 'refuse', status: 403, code: 'InvalidObjectState' };
const BUSY: S3Fault = { kind: 'refuse', status: 503, code: 'SlowDown' };

/** A bucket with five objects, and an empty folder beside it. */
async function start(t: TestContext) {
  const server = await startS3Server(t);
  const otherFolder = await mkdtemp(join(tmpdir(), 'vitrine-other-'));
  t.after(() => rm(otherFolder, { recursive: true, force: true }));
  const folder = await makeServiceFolder(t, ENGINES[0], {
    ...ADMIN_SECTIONS,
    datastores: [
      { id: 'bucket', type: 's3', forKinds: ['all'], opts: server.opts },
      { id: 'other', type: 'file', forKinds: [], opts: { path: otherFolder } },
    ],
  });
  const service = await startServiceIn(t, folder);
  for (let index = 0; index < 5; index += 1)
    await uploadBytes(service.ask, randomBytes(1000 + index), { name: `${index}` });
  const keys = (await server.keys()).sort();
  return { server, service, folder, otherFolder, keys };
}

const about = (key: string | undefined, method?: string) => (asked: AskedOfS3) =>
  asked.url.includes(key ?? '-') && (method === undefined || asked.method === method);

test('an object that cannot be read is told by a check, which goes on, and no repair touches it', async (t) => {
  const { server, service, folder, keys } = await start(t);
  await service.stop();
  const [noLook, noBytes, lost = ''] = keys;
  server.fault = (asked) => (about(noLook)(asked) || about(noBytes, 'GET')(asked) ? FORBIDDEN : undefined);
  await server.lose(lost);
  for (const more of [[], ['--repair']]) {
    const { code, findings, summary } = await runCheck(folder.path, '--hashes', '--datastore', 'bucket', ...more);
    assert.deepEqual([code, summary['rows'], summary['repaired']], [1, 5, 0]);
    assert.deepEqual(
      findings.map(({ kind, location }) => [kind, location]),
      [
        ['unreadable object', noLook],
        ['unreadable object', noBytes],
        ['rows without object', lost],
      ],
    );
    for (const finding of findings.slice(0, 2)) {
      assert.ok(finding.kind === 'unreadable object');
      assert.match(finding.cause, /S3 could not .*403/);
    }
  }
  assert.equal((await server.keys()).length, 4);
  const { stdout } = await runVitrine(folder.path, ['check', '--hashes']);
  assert.match(stdout, /unreadable object: bucket \S+ \(S3 could not read an object: InvalidObjectState.*mxc:/);
});

test('a datastore that is away as a whole ends the check, which goes on later', async (t) => {
  const { server, service, folder, keys } = await start(t);
  await service.stop();
  let isAway = false;
  server.fault = (asked) => {
    if (about(keys[2], 'GET')(asked)) isAway = true;
    return isAway ? BUSY : undefined;
  };
  const args = ['check', '--hashes', '--datastore', 'bucket', '--resume', 'state.json'];
  const broken = await runVitrine(folder.path, args);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /cannot be reached.*\n.*goes on from where it was/);
  assert.doesNotMatch(broken.stdout, /unreadable/);
  server.fault = () => undefined;
  const whole = await runVitrine(folder.path, args);
  assert.equal(whole.stderr, '');
  assert.match(whole.stdout, /5 records, every object read\nNo problems\n$/);
});

test('a transfer leaves an object behind that cannot be read, says so, and takes it the next time', async (t) => {
  const { server, service, folder, otherFolder, keys } = await start(t);
  server.fault = (asked) => (about(keys[1], 'GET')(asked) ? FORBIDDEN : undefined);
  const { body } = await askAsAdmin(service, '/datastores/bucket/transfer_to/other', 'POST');
  const task = await untilFinished(service, body['task_id']);
  const left = new RegExp(
    `^1 objects could not be moved and stay where they are: 1 cannot be read \\(such as ${keys[1]}\\)`,
  );
  assert.match(String(task['error_message']), left);
  assert.equal((task['progress'] as { readonly failed?: number }).failed, 1);
  assert.deepEqual([(await listObjects({ media: otherFolder })).length, await server.keys()], [4, [keys[1]]]);
  await service.stop();
  const again = await runVitrine(folder.path, ['datastore', 'transfer', 'bucket', 'other']);
  assert.deepEqual([again.code, again.stdout], [1, 'Moved 0 bytes from bucket to other\n']);
  assert.match(again.stderr, /^1 objects could not be moved/m);
  server.fault = () => undefined;
  assert.equal((await runVitrine(folder.path, ['datastore', 'transfer', 'bucket', 'other'])).code, 0);
  assert.deepEqual([(await listObjects({ media: otherFolder })).length, await server.keys()], [5, []]);
});

test('a transfer leaves an object behind that its target does not take, and the original stays', async (t) => {
  const { server, service, otherFolder } = await start(t);
  const { body } = await askAsAdmin(service, '/datastores/bucket/transfer_to/other', 'POST');
  await untilFinished(service, body['task_id']);
  assert.deepEqual(await server.keys(), []);
  let refused = 0;
  server.fault = ({ method }) => (method === 'PUT' && refused++ === 0 ? FORBIDDEN : undefined);
  const back = await askAsAdmin(service, '/datastores/other/transfer_to/bucket', 'POST');
  const task = await untilFinished(service, back.body['task_id']);
  assert.match(String(task['error_message']), /1 cannot be written to the target/);
  assert.deepEqual([(await listObjects({ media: otherFolder })).length, (await server.keys()).length], [1, 4]);
});

test('folders and files that the user of Vitrine may not read are told, and the rest is looked at', async (t) => {
  const [sqlite] = enginesOf({ skip: 'not needed', createDatabase: () => assert.fail() });
  const store = await openStore(t, sqlite);
  for (let index = 0; index < 3; index += 1) await store.upload(randomBytes(8), 'alice', `${index}`);
  await chmod(store.folder, 0o755);
  const [closed = ''] = await listObjects({ media: store.folder });
  const closedFolder = `${closed.slice(0, 2)}/`;
  const run = async () => {
    const told: ToldFinding[] = [];
    // Who is root may read everything.
    if (process.getuid?.() === 0) process.seteuid?.(65_534);
    try {
      const totals = await checkStorage(
        { ...store.upkeepParts, ourOrigins: () => [OUR_NAME] },
        { datastoreIds: ['main'], hashes: true, repair: true, minAgeMs: 1000, sharedWith: new Map() },
        BEGINNING,
        { found: (finding) => void told.push(finding), passed: async () => undefined, distrusts: () => assert.fail() },
        t.signal,
      );
      assert.deepEqual([totals.rows, totals.repaired], [3, 0]);
    } finally {
      if (process.getuid?.() === 0) process.seteuid?.(0);
    }
    return told.map((finding) => [finding.kind, finding.location, 'cause' in finding && /EACCES/.test(finding.cause)]);
  };
  await chmod(join(store.folder, closed), 0o000);
  assert.deepEqual(await run(), [['unreadable object', closed, true]]);
  await chmod(join(store.folder, closed), 0o644);
  await chmod(join(store.folder, closedFolder), 0o000);
  assert.deepEqual(await run(), [
    ['unreadable entry', closedFolder, true],
    ['unreadable object', closed, true], // the others have been read, and are still open
  ]);
  await chmod(join(store.folder, closedFolder), 0o755);
  assert.deepEqual(await run(), []);
});

test('a bucket that is gone costs no record: not by a check that repairs, and not by an upload of the same content', async (t) => {
  const { server, service, folder } = await start(t);
  const bytes = randomBytes(5_000);
  const uri = await uploadBytes(service.ask, bytes, { name: 'first' });
  const before = await server.keys();
  // All is gone but what is asked for by PUT, as if the bucket had been made anew somewhere else.
  server.fault = ({ method }) => (method === 'PUT' ? undefined : { kind: 'refuse', status: 404, code: 'NoSuchBucket' });
  const refused = await service.ask('/_matrix/media/v3/upload?filename=second', { method: 'POST', body: bytes });
  assert.equal(refused.status, 503);
  assert.equal((await service.ask(pathOf(uri))).status, 503);
  await service.stop();
  const checked = await runVitrine(folder.path, ['check', '--repair', '--datastore', 'bucket']);
  assert.deepEqual([checked.code, checked.stdout], [1, '']);
  assert.match(checked.stderr, /NoSuchBucket/);
  server.fault = () => undefined;
  assert.deepEqual((await server.keys()).sort(), before.sort());
  assert.equal((await runVitrine(folder.path, ['check', '--hashes', '--datastore', 'bucket'])).code, 0);
});

import assert from 'node:assert/strict';
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { generateSigningKey } from '../src/federation/index.ts';
import { startFakeRemote } from './fake-remote.ts';
import { findFreePort } from './free-port.ts';
import { keyDocument, writeKey } from './neighbours.ts';
import { type ServiceProcess, startProcess } from './process.ts';
import { peakResidentMb, resetPeak } from './resident.ts';
import { type ConfigSections, ENGINES, makeServiceFolder, TOKEN } from './service.ts';

/** `script/soak` asks for more. */
const MEGABYTES = Number(process.env['VITRINE_SOAK_MEGABYTES'] ?? 128);
const BYTES = MEGABYTES * 1_000_000;
const MOST_MB = 150;
/** Than when idle, when that is higher: a first start compiles the code, and a busy machine collects garbage late. */
const MOST_MORE_MB = 32;
const CHUNK_BYTES = 64 * 1024;

/** One after the other, no two alike. */
function* chunksOf(bytes: number): Generator<Buffer> {
  const content = randomBytes(CHUNK_BYTES);
  for (let left = bytes, number = 0; left > 0; left -= CHUNK_BYTES, number += 1) {
    const chunk = Buffer.from(content.subarray(0, Math.min(left, CHUNK_BYTES)));
    chunk.writeUInt32BE(number, 0);
    yield chunk;
  }
}

function* counted(chunks: Iterable<Buffer>, hash: Hash): Generator<Buffer> {
  for (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/** `vitrine serve` as the server `name`, on a machine where all servers are, without TLS. */
async function startServer(
  t: TestContext,
  name: string,
  port: number,
  homeserver: ConfigSections = {},
): Promise<ServiceProcess> {
  const { configPath } = await makeServiceFolder(t, ENGINES[0], {
    repo: { bindAddress: '127.0.0.1', port, logDirectory: '-', logLevel: 'info', jsonLogs: true },
    homeservers: [{ name, csApi: 'http://127.0.0.1:9', ...homeserver }],
    accessTokens: {
      useLocalAppserviceConfig: true,
      appservices: [{ id: 'tests', asToken: TOKEN, senderUserId: `@tests:${name}` }],
    },
    uploads: { maxBytes: 2 * BYTES },
    downloads: { maxBytes: 2 * BYTES },
    federation: { disallowedNetworks: [] },
  });
  return await startProcess(t, { configPath, env: { MEDIA_REPO_HTTP_ONLY_FEDERATION: 'true' } });
}

test(`two processes pass ${MEGABYTES} MB on, and neither holds much of it in memory`, {
  skip: process.platform !== 'linux' && 'the system does not tell how much memory a process has had',
}, async (t) => {
  const key = generateSigningKey();
  const keys = await startFakeRemote(); // the homeserver, of which nothing else is needed
  t.after(() => keys[Symbol.asyncDispose]());
  const hereName = `127.0.0.1:${keys.port}`;
  keys.answer('/_matrix/key/v2/server', { body: keyDocument(hereName, key) });
  const here = await startServer(t, hereName, 0, { signingKeyPath: await writeKey(t, key) });
  const port = await findFreePort(); // it is to be in the name of the server before that is started
  const there = await startServer(t, `127.0.0.1:${port}`, port);
  const idle = Math.max(await peakResidentMb(here.child), await peakResidentMb(there.child));
  const authorization = `Bearer ${TOKEN}`;

  const sent = createHash('sha256');
  const upload = await request(`${there.url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { authorization, 'content-length': String(BYTES) },
    body: Readable.from(counted(chunksOf(BYTES), sent)),
  });
  const { content_uri } = (await upload.body.json()) as { content_uri: string };
  assert.match(content_uri, /^mxc:/);
  const uploading = await peakResidentMb(there.child);
  for (const { child } of [here, there]) await resetPeak(child);

  const path = `/_matrix/client/v1/media/download/${content_uri.slice('mxc://'.length)}?timeout_ms=60000`;
  const startedMs = performance.now();
  const answer = await request(here.url + path, { headers: { authorization, 'x-forwarded-host': hereName } });
  assert.equal(answer.statusCode, 200);
  const received = createHash('sha256');
  for await (const chunk of answer.body as AsyncIterable<Buffer>) received.update(chunk);
  assert.equal(received.digest('hex'), sent.digest('hex'));
  const seconds = (performance.now() - startedMs) / 1000;

  const peaks = {
    'that takes an upload': uploading,
    'that fetches': await peakResidentMb(here.child),
    'that is asked': await peakResidentMb(there.child),
  };
  const told = Object.entries(peaks).map(([which, peak]) => `the process ${which} ${peak.toFixed(0)} MB`);
  t.diagnostic(`${seconds.toFixed(1)} s; resident when idle ${idle.toFixed(0)} MB, ${told.join(', ')}`);
  for (const [which, peak] of Object.entries(peaks)) {
    const most = Math.max(MOST_MB, idle + MOST_MORE_MB);
    assert.ok(peak < most, `The process ${which} had ${peak} MB resident, and ${idle} MB when idle`);
  }
});

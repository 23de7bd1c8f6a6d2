// Media of another server: how soon it begins to come, how fast it comes, and what memory that takes.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { formatKeyFile, generateSigningKey } from '../src/federation/index.ts';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { playRemote } from './played-remote.ts';
import { median, report } from './report.ts';
import { peakResidentMb, startService } from './service.ts';

const ROUNDS = 3;
const LARGE_BYTES = 1_000_000_000;
const MANY = 100;
const MANY_BYTES = 100_000_000;
/** To one server there are only so many connections at once. */
const SERVERS = 10;
const CHUNK = Buffer.alloc(1_000_000, 'vitrine');
const FIRST = CHUNK.subarray(0, 65_536);
const PAUSE_MS = 500;
const HEADERS = { 'x-forwarded-host': SERVER_NAME, authorization: `Bearer ${TOKEN}` };

/** When the remote sent the first bytes of the latest `slow…` media. */
let firstSentMs = 0;

async function* sendSlowly() {
  firstSentMs = performance.now();
  yield FIRST;
  await setTimeout(PAUSE_MS);
  yield FIRST;
}

function* sendFast(bytes: number) {
  for (let left = bytes; left > 0; left -= CHUNK.length) yield CHUNK;
}

/** As a server does that has a whole gigabit a second for us. */
async function* sendPaced(bytes: number) {
  const startedMs = performance.now();
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    await setTimeout(Math.max(0, (sent * 8) / 1e6 - (performance.now() - startedMs)));
    yield CHUNK;
  }
}

/** Bytes a second. */
async function measureCurl(url: string): Promise<number> {
  const headers = Object.entries(HEADERS).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const wanted = '%{http_code} %{size_download} %{time_total}';
  const { stdout } = await promisify(execFile)('curl', ['-sS', '-o', '/dev/null', '-w', wanted, ...headers, url]);
  const [status, bytes, seconds] = stdout.split(' ').map(Number);
  if (status !== 200 || bytes === undefined || bytes < LARGE_BYTES || seconds === undefined) throw new Error(stdout);
  return bytes / seconds;
}

/** How long after the remote's first bytes the client's came, in ms. */
async function measureFirstByte(serviceUrl: string, serverName: string, mediaId: string): Promise<number> {
  const answer = await fetch(serviceUrl + pathOf(serverName, mediaId), { headers: HEADERS });
  if (answer.status !== 200 || answer.body === null) throw new Error(`A download was answered ${answer.status}`);
  let waitedMs: number | undefined;
  for await (const _chunk of answer.body) waitedMs ??= performance.now() - firstSentMs;
  return waitedMs ?? Number.NaN;
}

/** Whoever has waited long enough comes again. */
async function downloadOnce(serviceUrl: string, serverName: string, mediaId: string): Promise<void> {
  for (;;) {
    const answer = await fetch(serviceUrl + pathOf(serverName, mediaId), { headers: HEADERS });
    let bytes = 0;
    for await (const chunk of answer.body ?? []) bytes += chunk.length;
    if (answer.status === 200 && bytes === MANY_BYTES) return;
    if (answer.status !== 504) throw new Error(`A download was answered ${answer.status}`);
  }
}

function pathOf(serverName: string, mediaId: string): string {
  return `/_matrix/client/v1/media/download/${serverName}/${mediaId}?timeout_ms=60000`;
}

process.env['MEDIA_REPO_HTTP_ONLY_FEDERATION'] = 'true'; // the service inherits it
await using folder = await makeBenchFolder((path) => ({
  homeservers: [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9', signingKeyPath: join(path, 'signing.key') }],
  downloads: { maxBytes: 2 * LARGE_BYTES, numWorkers: MANY },
  federation: { disallowedNetworks: [] },
  timeouts: { federationTimeoutSeconds: 600 },
}));
await writeFile(join(folder.path, 'signing.key'), formatKeyFile('synapse', [generateSigningKey()]));
const sendAnything = (mediaId: string) => {
  if (mediaId.startsWith('slow')) return { bytes: 2 * FIRST.length, all: sendSlowly() };
  if (mediaId.startsWith('paced')) return { bytes: LARGE_BYTES, all: sendPaced(LARGE_BYTES) };
  const bytes = mediaId.startsWith('large') ? LARGE_BYTES : MANY_BYTES;
  return { bytes, all: sendFast(bytes) };
};
await using remotes = new AsyncDisposableStack();
const servers = await Promise.all(Array.from({ length: SERVERS }, () => playRemote(sendAnything)));
for (const server of servers) remotes.use(server);
const [remote] = servers;
if (remote === undefined) throw new Error('There is no other server');

{
  await using service = await startService(folder.configPath);
  const waits: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    waits.push(await measureFirstByte(service.url, remote.name, `slow${round}`));
  }
  report({
    name: 'first byte of remote media, after the remote’s (median of 7)',
    value: median(waits.slice(1)), // the first one also finds the server, and compiles the code
    unit: 'ms',
    target: { atMost: 50 },
  });
  for (const [kind, name] of [
    ['large', 'remote media of 1 GB, share of bytes/s of its server'],
    ['paced', 'the same, from a server with 1 Gbit/s'],
  ] as const) {
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const direct = await measureCurl(`${remote.url}/_matrix/federation/v1/media/download/${kind}${round}`);
      const through = await measureCurl(service.url + pathOf(remote.name, `${kind}${round}`));
      ratios.push(through / direct);
      const speeds = [direct, through].map((speed) => (speed / 1e6).toFixed(0));
      process.stdout.write(`(directly ${speeds[0]} MB/s, through the service ${speeds[1]} MB/s)\n`);
    }
    report({ name, value: median(ratios), unit: '×', target: { atLeast: 0.8 } });
  }
  report({
    name: 'memory, remote media of 1 GB',
    value: await peakResidentMb(service.pid),
    unit: 'MB',
    target: { atMost: 300 },
  });
}
await using service = await startService(folder.configPath);
const asked = Array.from({ length: MANY }, (_, at) => servers[at % SERVERS] ?? remote);
await Promise.all(asked.map(({ name }, at) => downloadOnce(service.url, name, `many${at}`)));
report({
  name: `memory, ${MANY} concurrent downloads of 100 MB of remote media`,
  value: await peakResidentMb(service.pid),
  unit: 'MB',
  target: { atMost: 300 },
});

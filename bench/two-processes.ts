// What two processes on two cores serve, against one on one core. Those who ask need a part of the same two cores: one process has
// a core for itself while they are on the other one; two processes share theirs with them. So beside what was answered it is told what
// was answered for each second that the services had a core, which is what counts where the askers are elsewhere.
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { startServer } from '../test/postgres.ts';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { load } from './load.ts';
import { median, report } from './report.ts';
import { type BenchService, startService } from './service.ts';

const SIZE_BYTES = 20_000;
const SECONDS = 4;
const ROUNDS = 5;
const CONNECTIONS = 32;
const WARM_UP_SECONDS = 3;
const TICKS_PER_SECOND = 100;

async function createDatabase(): Promise<string> {
  const server = await startServer();
  if (server === undefined) throw new Error('There is no PostgreSQL');
  const admin = new Client(server);
  await admin.connect();
  await admin.query('CREATE DATABASE bench');
  await admin.end();
  const url = new URL(server);
  url.pathname = '/bench';
  return url.href;
}

/** For which the process has had a core. */
async function coreSeconds({ pid }: BenchService): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

interface Served {
  readonly perSecond: number;
  readonly perCoreSecond: number;
}

async function serve(services: readonly BenchService[], path: string, seconds = SECONDS): Promise<Served> {
  const secondsOfAll = async () => (await Promise.all(services.map(coreSeconds))).reduce((sum, one) => sum + one, 0);
  const before = await secondsOfAll();
  const headers = { host: SERVER_NAME, authorization: `Bearer ${TOKEN}` };
  const rates = await Promise.all(
    services.map(({ url }) => load(url, [path], { connections: CONNECTIONS, seconds, status: 200, headers })),
  );
  const perSecond = rates.reduce((sum, rate) => sum + rate, 0);
  return { perSecond, perCoreSecond: (perSecond * seconds) / ((await secondsOfAll()) - before) };
}

await using folder = await makeBenchFolder({ database: { postgres: await createDatabase() } });
await using first = await startService(folder.configPath, 0);
process.env['MACHINE_ID'] = '1'; // of the process that is started next
await using second = await startService(folder.configPath, 1);
const response = await fetch(`${first.url}/_matrix/media/v3/upload`, {
  method: 'POST',
  headers: { 'x-forwarded-host': SERVER_NAME, authorization: `Bearer ${TOKEN}` },
  body: Buffer.alloc(SIZE_BYTES, 'vitrine'),
});
const { content_uri } = (await response.json()) as { content_uri: string };
const path = `/_matrix/client/v1/media/download/${content_uri.slice('mxc://'.length)}`;

const pinTo = (cores: string) => execFileSync('taskset', ['-acp', cores, String(process.pid)], { stdio: 'ignore' });
await serve([first, second], path, WARM_UP_SECONDS);
const answered: number[] = [];
const forEachCore: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  pinTo('1');
  const one = await serve([first], path);
  pinTo('0,1');
  const two = await serve([first, second], path);
  answered.push(two.perSecond / one.perSecond);
  forEachCore.push((2 * two.perCoreSecond) / one.perCoreSecond);
}
report({
  name: 'two processes, those who ask being elsewhere, of one',
  value: median(forEachCore),
  unit: '×',
  target: { atLeast: 1.7 },
});
report({
  name: 'two processes, those who ask on the same cores, of one',
  value: median(answered),
  unit: '×',
  target: { atLeast: 1 },
});

// Downloads from a bucket by way of the service, against the same downloads straight from the S3 server. The service has a core;
// the S3 server and those who ask share the other one, in both cases.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { findFreePort } from '../test/free-port.ts';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { load } from './load.ts';
import { median, report } from './report.ts';
import { startService } from './service.ts';

const SERVICE_CORE = 0;
const OTHER_CORE = 1;
const SECONDS = 4;
const ROUNDS = 5;
const SIZE_BYTES = 8_000_000;
const CONNECTIONS = 4;
const WARM_UP_SECONDS = 3;
const BUCKET = 'media';
const KEY = 'S3RVER';

async function startS3(folder: string, port: number): Promise<ChildProcess> {
  const server = [process.execPath, '--disable-warning=ExperimentalWarning', 'bench/s3-server.ts'];
  const args = ['-c', String(OTHER_CORE), ...server, folder, String(port), BUCKET];
  const child = spawn('taskset', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  for (let tries = 0; tries < 100; tries += 1) {
    if (await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)) return child;
    await setTimeout(50);
  }
  throw new Error('The S3 server does not answer');
}

/** By what the S3 server keeps on its disk. */
async function newestKey(bucket: string): Promise<string> {
  const names = (await readdir(bucket)).filter((name) => name.endsWith('._S3rver_object'));
  const times = await Promise.all(names.map(async (name) => (await stat(join(bucket, name))).mtimeMs));
  return names[times.indexOf(Math.max(...times))]?.split('._S3rver')[0] ?? '';
}

execFileSync('taskset', ['-acp', String(OTHER_CORE), String(process.pid)], { stdio: 'ignore' });
const s3Port = await findFreePort();
const port = await findFreePort();
const endpoint = `127.0.0.1:${s3Port}`;
const keys = { accessKeyId: KEY, accessSecret: KEY };
await using folder = await makeBenchFolder({
  repo: { bindAddress: '127.0.0.1', port, logDirectory: '-', logLevel: 'warn', jsonLogs: true },
  datastores: [
    {
      type: 's3',
      id: 'bucket',
      forKinds: ['all'],
      opts: { endpoint, bucketName: BUCKET, ...keys, ssl: 'false', region: 'us-east-1' },
    },
  ],
});
const objects = join(folder.path, 'objects');
await mkdir(objects);
const s3 = await startS3(objects, s3Port);
try {
  await using service = await startService(folder.configPath, SERVICE_CORE, `http://127.0.0.1:${port}`);
  const client = new S3Client({
    endpoint: `http://${endpoint}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: KEY, secretAccessKey: KEY },
  });
  const response = await fetch(`${service.url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { 'x-forwarded-host': SERVER_NAME, authorization: `Bearer ${TOKEN}` },
    body: randomBytes(SIZE_BYTES),
  });
  const { content_uri } = (await response.json()) as { content_uri: string };
  const key = await newestKey(join(objects, BUCKET));
  const direct = new URL(await getSignedUrl(client, new GetObjectCommand({ Bucket: BUCKET, Key: key })));
  const path = `/_matrix/client/v1/media/download/${content_uri.slice(6)}`;
  const askService = (seconds: number) =>
    load(service.url, [path], {
      connections: CONNECTIONS,
      seconds,
      status: 200,
      headers: { host: SERVER_NAME, authorization: `Bearer ${TOKEN}` },
    });
  const askS3 = () =>
    load(direct.origin, [direct.pathname + direct.search], {
      connections: CONNECTIONS,
      seconds: SECONDS,
      status: 200,
      headers: {},
    });
  await askService(WARM_UP_SECONDS);
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const straight = await askS3();
    ratios.push((await askService(SECONDS)) / straight);
  }
  report({
    name: 'S3 download 8 MB, share of the direct bytes/s',
    value: median(ratios),
    unit: '×',
    target: { atLeast: 0.8 },
  });
} finally {
  s3.kill('SIGTERM');
}

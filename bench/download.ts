// Downloads against nginx with sendfile on the same files: server on one core, load from another, keep-alive.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { findFreePort } from '../test/free-port.ts';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { load } from './load.ts';
import { median, report } from './report.ts';
import { startService } from './service.ts';

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const SECONDS = 4;
const ROUNDS = 3;
/** A server that has just started compiles its code on the core that it shares with its answers. */
const WARM_UP_SECONDS = 3;

async function startNginx(folder: string): Promise<{ url: string; stop: () => void }> {
  const program = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path)) ?? 'nginx';
  execFileSync('taskset', ['-acp', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' });
  const port = await findFreePort();
  const config = join(folder, 'nginx.conf');
  await writeFile(
    config,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
user root;
events { worker_connections 512; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  server { listen 127.0.0.1:${port}; root ${folder}; } }
`,
  );
  const args = ['-c', String(SERVER_CORE), program, '-p', folder, '-e', join(folder, 'error.log'), '-c', config];
  const child = spawn('taskset', args, { stdio: 'inherit' });
  await setTimeout(500);
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill('SIGTERM') };
}

async function etagOf(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { 'x-forwarded-host': SERVER_NAME, authorization: `Bearer ${TOKEN}` } });
  await answer.arrayBuffer();
  return answer.headers.get('etag') ?? '';
}

const port = await findFreePort();
await using folder = await makeBenchFolder({
  // A line for each request would be work that nginx, whose access log is off, does not have.
  repo: { bindAddress: '127.0.0.1', port, logDirectory: '-', logLevel: 'warn', jsonLogs: true },
});
await using service = await startService(folder.configPath, SERVER_CORE, `http://127.0.0.1:${port}`);
const nginx = await startNginx(folder.path);
try {
  for (const { name, sizeBytes, connections, atLeast, isKnown } of [
    {
      name: 'download 20 KB, share of nginx requests/s',
      sizeBytes: 20_000,
      connections: 50,
      atLeast: 0.5,
      isKnown: false,
    },
    {
      name: '304 for 20 KB, share of nginx requests/s',
      sizeBytes: 20_000,
      connections: 50,
      atLeast: 0.5,
      isKnown: true,
    },
    {
      name: 'download 8 MB, share of nginx bytes/s',
      sizeBytes: 8_000_000,
      connections: 8,
      atLeast: 0.9,
      isKnown: false,
    },
  ]) {
    const bytes = randomBytes(sizeBytes);
    await writeFile(join(folder.path, `${sizeBytes}`), bytes);
    const response = await fetch(`${service.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      headers: { 'x-forwarded-host': SERVER_NAME, authorization: `Bearer ${TOKEN}` },
      body: bytes,
    });
    const { content_uri } = (await response.json()) as { content_uri: string };
    const url = `${service.url}/_matrix/client/v1/media/download/${content_uri.slice(6)}`;
    const nginxUrl = `${nginx.url}/${sizeBytes}`;
    const etags = isKnown ? { nginx: await etagOf(nginxUrl), ours: await etagOf(url) } : {};
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const ask = (from: string, etag: string | undefined, seconds = SECONDS) =>
        load(from, [new URL(from).pathname], {
          connections,
          seconds,
          status: isKnown ? 304 : 200,
          headers: {
            host: SERVER_NAME,
            authorization: `Bearer ${TOKEN}`,
            ...(etag !== undefined && { 'if-none-match': etag }),
          },
        });
      if (round === 0) await ask(url, etags.ours, WARM_UP_SECONDS);
      const plain = await ask(nginxUrl, etags.nginx);
      ratios.push((await ask(url, etags.ours)) / plain);
    }
    report({ name, value: median(ratios), unit: '×', target: { atLeast } });
  }
} finally {
  nginx.stop();
}

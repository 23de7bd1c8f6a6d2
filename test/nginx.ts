import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { findFreePort } from './free-port.ts';

const program = findNginx();

/**
 * Why the tests that need nginx cannot run, else `false`.
 * @throws when `CI` is `true`, where a test that is not run is a test that fails
 */
export function skipWithoutNginx(): string | false {
  if (program !== undefined) return false;
  const reason = 'nginx is missing: script/bootstrap installs it, or says what to install';
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}

function findNginx(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'nginx')).find((path) => existsSync(path));
}

/**
 * Runs nginx until the test ends, everything of its own in a temporary folder.
 * @param http what is to stand in its `http` section; gets the port to listen on
 * @returns its URL
 */
export async function startNginx(t: TestContext, http: (port: number) => string): Promise<string> {
  if (program === undefined) throw new Error('There is no nginx');
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-nginx-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const port = await findFreePort();
  const config = join(folder, 'nginx.conf');
  await writeFile(config, wrap(http(port)));
  const nginx = spawn(program, ['-e', 'stderr', '-p', `${folder}/`, '-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(nginx, 'close');
  t.after(async () => {
    nginx.kill('SIGTERM');
    await closed;
  });
  let said = '';
  const { promise: started, resolve } = Promise.withResolvers<void>();
  nginx.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (/start worker process \d/.test(said)) resolve(); // its ports are open before its workers are there
  });
  await Promise.race([
    started,
    closed.then(() => {
      throw new Error(`nginx did not start: ${said}`);
    }),
  ]);
  return `http://127.0.0.1:${port}`;
}

/** The least that nginx wants around it, with nothing outside of its folder. */
function wrap(http: string): string {
  const temporaries = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`);
  return [
    'daemon off;',
    'worker_processes 1;',
    'pid nginx.pid;',
    'error_log stderr notice;',
    // Its workers would become somebody who cannot write to the folder.
    ...(process.getuid?.() === 0 ? ['user root root;'] : []),
    'events {}',
    'http {',
    'access_log off;',
    ...temporaries,
    http,
    '}',
    '',
  ].join('\n');
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { findFreePort } from './free-port.ts';

const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
const program = folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
/** It refuses to run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/**
 * Why the tests that need PgBouncer cannot run, else `false`.
 * @throws when `CI` is `true`, where a test that is not run is a test that fails
 */
export function skipWithoutPgbouncer(): string | false {
  if (program !== undefined) return false;
  const reason = 'pgbouncer is missing: script/bootstrap installs it, or says what to install';
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}

/**
 * A pooler that shares one single connection to the server among all who connect. Stopped after the test.
 * @returns the URL of the same database by way of it
 */
export async function startPgbouncer(t: TestContext, url: string, mode: 'session' | 'transaction'): Promise<string> {
  if (program === undefined) throw new Error('There is no pgbouncer');
  const target = new URL(url);
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-pgbouncer-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  const port = await findFreePort();
  const name = target.pathname.slice(1);
  const behind = `host=${target.hostname} port=${target.port} user=${target.username} password=${target.password}`;
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: mode,
    default_pool_size: 1,
    max_client_conn: 200,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`);
  const path = join(folder, 'pgbouncer.ini');
  await writeFile(path, ['[databases]', `${name} = ${behind} dbname=${name}`, '[pgbouncer]', ...lines, ''].join('\n'));
  const pooler = spawn(program, [path], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(process.getuid?.() === 0 && NOBODY),
  });
  const closed = once(pooler, 'close');
  t.after(async () => {
    pooler.kill('SIGKILL');
    await closed;
  });
  let said = '';
  const { promise: started, resolve } = Promise.withResolvers<void>();
  pooler.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.includes('process up')) resolve();
  });
  await Promise.race([started, closed.then(() => Promise.reject(new Error(`pgbouncer did not start: ${said}`)))]);
  target.host = `127.0.0.1:${port}`;
  return target.href;
}

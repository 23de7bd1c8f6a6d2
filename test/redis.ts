import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import type { RedisOptions } from '../src/cluster/index.ts';
import { findFreePort } from './free-port.ts';

/**
 * Why the tests that need Redis cannot run, else `false`.
 * @throws when `CI` is `true`, where a test that is not run is a test that fails
 */
export function skipWithoutRedis(): string | false {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  if (folders.some((folder) => existsSync(join(folder, 'redis-server')))) return false;
  const reason = 'redis-server is missing: script/bootstrap installs it, or says what to install';
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}

/** A real Redis that keeps nothing. Stopped after the test, if not before. */
export interface TestRedis {
  readonly port: number;
  /** As in `redis.shards[].addr`. */
  readonly addr: string;
  /** A folder of its own, gone after the test. */
  readonly folder: string;
  /** `SIGSTOP` and `SIGCONT` too. Resolves when the server has ended, if the signal ends it. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** At the same port, with nothing in it. */
  restart(): Promise<void>;
}

/** Options of `redis-server`, beside what every server of the tests has. */
type Arguments = readonly string[] | ((folder: string, port: number) => Promise<readonly string[]>);

export async function startRedis(t: TestContext, args: Arguments = []): Promise<TestRedis> {
  return await start(t, async (folder, port) => [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
    ...(typeof args === 'function' ? await args(folder, port) : args),
  ]);
}

/** One that watches over another. @param password of both */
export async function startSentinel(
  t: TestContext,
  masterName: string,
  master: TestRedis,
  password: string,
): Promise<TestRedis> {
  return await start(t, async (folder, port) => {
    const path = join(folder, 'sentinel.conf'); // it writes down there what it learns
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${masterName} 127.0.0.1 ${master.port} 1`,
      `requirepass ${password}`,
      `sentinel auth-pass ${masterName} ${password}`,
    ];
    await writeFile(path, `${lines.join('\n')}\n`);
    return [path, '--sentinel'];
  });
}

async function start(
  t: TestContext,
  argumentsFor: (folder: string, port: number) => Promise<string[]>,
): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-redis-'));
  const port = await findFreePort();
  const args = await argumentsFor(folder, port);
  let server = await startServer(args);
  const kill = async (signal: NodeJS.Signals) => {
    server.child.kill(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await server.ended;
  };
  t.after(async () => {
    await kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  return {
    port,
    addr: `127.0.0.1:${port}`,
    folder,
    kill,
    async restart() {
      await kill('SIGKILL');
      server = await startServer(args);
    },
  };
}

/** What `openCluster` takes, for servers of the tests. */
export function redisOptions(
  servers: readonly Pick<TestRedis, 'addr'>[],
  others: Partial<RedisOptions> = {},
): RedisOptions {
  return {
    mode: 'ring',
    databaseNumber: 0,
    shards: servers.map(({ addr }, index) => ({ name: `shard${index}`, addr })),
    username: '',
    password: '',
    keyPrefix: 'vitrine:',
    timeoutMs: 10_000, // the machine may have a lot to do
    sentinel: { masterName: '', username: '', password: '' },
    tls: { enabled: false, caFile: '', certFile: '', keyFile: '', serverName: '' },
    ...others,
  };
}

async function startServer(args: readonly string[]) {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(() => undefined);
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (line.includes('Ready to accept connections') || line.includes('+monitor master')) resolve();
  });
  child.once('exit', () => reject(new Error(`redis-server ended before it was ready:\n${lines.join('\n')}`)));
  await ready;
  return { child, ended };
}

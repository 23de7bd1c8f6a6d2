import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';

/** Where the tests find a server: set by `global-setup.ts`, or by whoever brings a server along. */
const URL_VARIABLE = 'VITRINE_TEST_POSTGRES';
/** Why there is none, so that not every test file tries for itself. */
const MISSING_VARIABLE = 'VITRINE_TEST_POSTGRES_MISSING';

export interface PostgresForTests {
  /** For the options of a test: a reason where there is no server, else `false`. */
  readonly skip: string | false;
  /** The URL of an empty database, which is gone after the test. */
  createDatabase(t: TestContext): Promise<string>;
}

/**
 * The server of this run; a file that is run by hand gets one of its own, which ends with the process.
 * @throws without a server when `CI` is `true`, where a test that is not run is a test that fails
 */
export async function usePostgres(): Promise<PostgresForTests> {
  const url = process.env[URL_VARIABLE] ?? (await startServer());
  if (url === undefined) {
    const skip = `no PostgreSQL: ${process.env[MISSING_VARIABLE]}`;
    return { skip, createDatabase: () => Promise.reject(new Error(skip)) };
  }
  return { skip: false, createDatabase: (t) => createDatabase(url, t) };
}

/**
 * Starts a server for this process and its children, unless they have one. It ends with this process.
 * @param settings such as `shared_buffers=1GB`
 */
export async function startServer(settings: readonly string[] = []): Promise<string | undefined> {
  const given = process.env[URL_VARIABLE];
  if (given !== undefined) return given;
  if (process.env[MISSING_VARIABLE] !== undefined) return undefined;
  const keeper = runServer(settings);
  let complaints = '';
  keeper.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const lines = createInterface({ input: keeper.stdout });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  lines.once('line', resolve);
  keeper.once('close', () => resolve(undefined));
  keeper.once('error', (error) => {
    complaints += error.message;
    resolve(undefined);
  });
  const url = await promise;
  if (url === undefined) {
    const reason = complaints.split('\n').find((line) => /error/i.test(line)) ?? 'the server did not start';
    if (process.env['CI'] === 'true') throw new Error(`No PostgreSQL for the tests: ${complaints}`);
    process.env[MISSING_VARIABLE] = reason;
    return undefined;
  }
  process.env[URL_VARIABLE] = url;
  // Its standard input closes with us, however we end; until then it must not keep us alive.
  keeper.unref();
  for (const stream of [keeper.stdin, keeper.stdout, keeper.stderr]) {
    if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
  return url;
}

/** A server of the test's own, which can go away. Stopped after the test. */
export interface FragilePostgres {
  /** The URL of an empty database. */
  readonly url: string;
  /** Resolves when it is gone. What it has confirmed is not lost. */
  crash(): Promise<void>;
  /** At the same port. Resolves when it can be used. */
  start(): Promise<void>;
}

/** To be called only where {@link usePostgres} has a server. */
export async function startFragilePostgres(t: TestContext): Promise<FragilePostgres> {
  const keeper = runServer(['--sure-commits']);
  const ended = once(keeper, 'exit');
  t.after(async () => {
    keeper.stdin.end();
    await ended;
  });
  keeper.stderr.resume();
  const lines: Interface = createInterface({ input: keeper.stdout });
  const [serverUrl] = (await once(lines, 'line')) as [string];
  await asAdministrator(serverUrl, 'CREATE DATABASE fragile');
  const url = new URL(serverUrl);
  url.pathname = '/fragile';
  const tell = async (word: string) => {
    const done = once(lines, 'line');
    keeper.stdin.write(`${word}\n`);
    await done;
  };
  return { url: url.href, crash: () => tell('crash'), start: () => tell('start') };
}

function runServer(args: readonly string[]): ChildProcessByStdio<Writable, Readable, Readable> {
  const path = fileURLToPath(new URL('./run-postgres.ts', import.meta.url));
  return spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
}

async function createDatabase(serverUrl: string, t: TestContext): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asAdministrator(serverUrl, `CREATE DATABASE ${name}`);
  t.after(() => asAdministrator(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function asAdministrator(serverUrl: string, statement: string): Promise<void> {
  const client = new Client(serverUrl);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

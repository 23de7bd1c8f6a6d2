import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import { types } from 'pg';
import { DatabaseRefused } from './errors.ts';
import { type DsnValues, parseDsn } from './postgres-dsn.ts';

const DEFAULT_CONNECT_TIMEOUT_S = 10;
const KEEP_ALIVE_AFTER_MS = 30_000;
const NUMBER_TYPES: readonly number[] = [types.builtins.INT8, types.builtins.NUMERIC];

/** Environment variables that fill what the connection string leaves open. */
const ENVIRONMENT = {
  PGHOST: 'host',
  PGPORT: 'port',
  PGDATABASE: 'dbname',
  PGUSER: 'user',
  PGPASSWORD: 'password',
  PGOPTIONS: 'options',
  PGAPPNAME: 'application_name',
  PGSSLMODE: 'sslmode',
  PGSSLCERT: 'sslcert',
  PGSSLKEY: 'sslkey',
  PGSSLROOTCERT: 'sslrootcert',
  PGCONNECT_TIMEOUT: 'connect_timeout',
  PGDATESTYLE: 'datestyle',
  PGTZ: 'timezone',
  PGGEQO: 'geqo',
} as const;

/** What is for the driver; everything else is a setting for the server. */
const FOR_THE_DRIVER: ReadonlySet<string> = new Set([
  ...['host', 'port', 'dbname', 'user', 'password', 'passfile', 'options', 'application_name'],
  ...['fallback_application_name', 'connect_timeout', 'client_encoding', 'krbsrvname', 'krbspn'],
  ...['sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslinline', 'sslsni'],
  // Ways of lib/pq to talk to the server. Ours has one way.
  ...['binary_parameters', 'disable_prepared_binary_result'],
]);

/**
 * How to connect, from a connection string of lib/pq, with that driver's defaults and its meaning of `sslmode`. BIGINT
 * and NUMERIC come as numbers.
 * @throws {DatabaseRefused} with nothing of the string that could be a password
 */
export function makeClientConfig(dsn: string, env: NodeJS.ProcessEnv): ClientConfig {
  const values = withEnvironment(parseDsn(dsn), env);
  const host = values.get('host') ?? 'localhost';
  const user = values.get('user') ?? userInfo().username;
  return {
    host,
    port: readPort(values.get('port')),
    user,
    password: values.get('password'),
    database: values.get('dbname') ?? user,
    application_name: values.get('application_name') ?? values.get('fallback_application_name') ?? 'vitrine',
    connectionTimeoutMillis: readTimeout(values.get('connect_timeout')) * 1000,
    ssl: host.startsWith('/') ? false : readTls(values),
    options: readServerOptions(values),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        NUMBER_TYPES.includes(oid) ? Number : types.getTypeParser(oid, format),
    },
  };
}

function withEnvironment(dsn: DsnValues, env: NodeJS.ProcessEnv): DsnValues {
  const values = new Map<string, string>();
  for (const [variable, key] of Object.entries(ENVIRONMENT)) {
    const value = env[variable];
    if (value !== undefined && value !== '') values.set(key, value);
  }
  for (const [key, value] of dsn) {
    if (value !== '') values.set(key, value);
  }
  return values;
}

function readPort(text = '5432'): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new DatabaseRefused('The port in database.postgres is not a number from 1 to 65535');
  }
  return port;
}

/** Seconds. 0 would be "wait for ever", which nothing here does. */
function readTimeout(text = '0'): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 0) {
    throw new DatabaseRefused(`connect_timeout in database.postgres is a whole number of seconds, not "${text}"`);
  }
  return seconds === 0 ? DEFAULT_CONNECT_TIMEOUT_S : seconds;
}

function readTls(values: DsnValues): ConnectionOptions | false {
  const mode = values.get('sslmode') ?? 'require';
  switch (mode) {
    case 'disable':
      return false;
    case 'require': {
      // lib/pq: whoever names a certificate that is there wants it checked.
      const root = values.get('sslrootcert');
      const isChecked = root !== undefined && existsSync(root);
      return isChecked ? checkingTheIssuer(values) : { ...clientCertificate(values), rejectUnauthorized: false };
    }
    case 'verify-ca':
      return checkingTheIssuer(values);
    case 'verify-full':
      return { ...clientCertificate(values), ...rootCertificate(values) };
    default:
      throw new DatabaseRefused(
        `sslmode in database.postgres is disable, require, verify-ca or verify-full, not "${mode}"`,
      );
  }
}

/** The certificate has to come from a trusted issuer; for which host it was made does not matter. */
function checkingTheIssuer(values: DsnValues): ConnectionOptions {
  return { ...clientCertificate(values), ...rootCertificate(values), checkServerIdentity: () => undefined };
}

function rootCertificate(values: DsnValues): ConnectionOptions {
  const file = values.get('sslrootcert');
  return file === undefined ? {} : { ca: readCertificate('sslrootcert', file) };
}

function clientCertificate(values: DsnValues): ConnectionOptions {
  if (values.get('sslinline') === 'true') return { cert: values.get('sslcert'), key: values.get('sslkey') };
  const folder = join(homedir(), '.postgresql');
  const cert = values.get('sslcert') ?? ifThere(join(folder, 'postgresql.crt'));
  const key = values.get('sslkey') ?? ifThere(join(folder, 'postgresql.key'));
  if (cert === undefined || key === undefined) return {};
  return { cert: readCertificate('sslcert', cert), key: readCertificate('sslkey', key) };
}

function ifThere(file: string): string | undefined {
  return existsSync(file) ? file : undefined;
}

function readCertificate(key: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new DatabaseRefused(`The file that ${key} names in database.postgres cannot be read: ${file}`, { cause });
  }
}

/** Settings go to the server in `options`, as `-c name=value`, where spaces and backslashes are escaped. */
function readServerOptions(values: DsnValues): string | undefined {
  const options = [values.get('options') ?? ''];
  for (const [name, value] of values) {
    if (!FOR_THE_DRIVER.has(name)) options.push(`-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`);
  }
  return options.join(' ').trim() || undefined;
}

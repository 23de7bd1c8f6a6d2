import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import type { Cluster, RedisOptions as DriverOptions, Redis } from 'ioredis';
import { parseAddress } from './parse-address.ts';
import type { RedisOptions } from './redis-options.ts';

/** What commands are sent through. */
export type Client = Redis | Cluster;

/** One Redis that answers by itself: a shard of the ring, a whole Cluster, or what the Sentinels point at. */
export interface Place {
  readonly name: string;
  /** A new connection that tries again for as long as it is open. */
  connect(): Client;
}

const LONGEST_PAUSE_MS = 1_000;
const PAUSE_STEP_MS = 50;
const KEEP_ALIVE_MS = 10_000;

/** @throws when a file of `tls` cannot be read */
export async function listPlaces(options: RedisOptions): Promise<readonly Place[]> {
  const driver = await import('ioredis'); // only here: who has no Redis does not pay for it
  const { mode, shards, sentinel } = options;
  const tls = await readTls(options.tls);
  const common = { ...commonOptions(options), ...(tls && { tls }) };
  const nodes = shards.map(({ addr }) => parseAddress(addr));
  if (mode === 'cluster') {
    const name = shards.map(({ addr }) => addr).join(', ');
    return [{ name, connect: () => new driver.Cluster(nodes.filter(isOverNetwork), clusterOptions(common, options)) }];
  }
  if (mode === 'sentinel') {
    const { masterName, username, password } = sentinel;
    const watched = {
      ...common,
      sentinels: nodes.filter(isOverNetwork),
      name: masterName,
      sentinelRetryStrategy: pauseAfter,
      sentinelCommandTimeout: options.timeoutMs,
      ...(username !== '' && { sentinelUsername: username }),
      ...(password !== '' && { sentinelPassword: password }),
      ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    };
    return [{ name: masterName, connect: () => new driver.Redis(watched) }];
  }
  return shards.map(({ name, addr }) => ({
    name,
    connect: () => new driver.Redis({ ...common, ...parseAddress(addr) }),
  }));
}

function commonOptions({ username, password, databaseNumber, timeoutMs }: RedisOptions): DriverOptions {
  return {
    db: databaseNumber,
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    protocol: 2, // also servers older than Redis 6 speak it
    connectTimeout: timeoutMs,
    commandTimeout: 2 * timeoutMs, // for what it asks by itself; the link has an eye on the rest
    retryStrategy: pauseAfter,
    reconnectOnError: (error) => error.message.startsWith('READONLY'), // it was the master until a moment ago
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false, // what cannot be sent now is not wanted later
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false, // done by us, who also have to know when
    keepAlive: KEEP_ALIVE_MS,
  };
}

function clusterOptions(
  { db: _db, retryStrategy, enableOfflineQueue, ...redisOptions }: DriverOptions,
  { timeoutMs }: RedisOptions,
) {
  return {
    redisOptions,
    clusterRetryStrategy: pauseAfter,
    slotsRefreshTimeout: timeoutMs,
    enableOfflineQueue: false,
    maxRedirections: 3,
    scaleReads: 'master' as const,
  };
}

function pauseAfter(times: number): number {
  return Math.min(times * PAUSE_STEP_MS, LONGEST_PAUSE_MS);
}

function isOverNetwork<Address extends object>(address: Address): address is Extract<Address, { host: string }> {
  return 'host' in address;
}

async function readTls({
  enabled,
  caFile,
  certFile,
  keyFile,
  serverName,
}: RedisOptions['tls']): Promise<ConnectionOptions | undefined> {
  if (!enabled) return undefined;
  const [ca, cert, key] = await Promise.all(
    [caFile, certFile, keyFile].map((file) => (file === '' ? undefined : readFile(file, 'utf8'))),
  );
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== '' && { servername: serverName }),
  };
}

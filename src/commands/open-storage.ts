import { randomInt } from 'node:crypto';
import { type Bus, createUniqueIds, type Locks, openCluster } from '../cluster/index.ts';
import { type Config, findConfigPath, loadConfig, readEnvironment } from '../config/index.ts';
import { type Database, measureDatastores, openDatabase } from '../database/index.ts';
import { type Datastores, openDatastores } from '../datastores/index.ts';
import { formatMxcUri } from '../matrix/index.ts';
import { type Log, openLog } from '../telemetry/index.ts';
import type { CommandIo } from './command.ts';

/** What a command works on that deals with records and objects. Dispose it. */
export interface Storage extends AsyncDisposable {
  readonly config: Config;
  readonly database: Database;
  readonly datastores: Datastores;
  /** Without Redis they are this process's: a service beside it knows nothing of them. */
  readonly locks: Locks;
  /** Tell a service beside it, by way of Redis, what it remembers and should not. */
  readonly forgetRecord: (uri: { readonly origin: string; readonly mediaId: string }) => void;
  readonly forgetRecords: () => void;
  readonly bus: Bus;
  readonly newUniqueId: () => string;
  readonly now: () => number;
  readonly log: Log;
}

/** Beyond the numbers of services: at its start a service removes temporaries that bear its own number. */
const FIRST_NUMBER_OF_COMMANDS = 1024;

/** What is wrong with the surroundings of a command; for the operator. */
export class StorageProblem extends Error {}

/** @throws {StorageProblem} {@link ConfigError} and what opening a database or a datastore throws */
export async function openStorage(path: string | undefined, io: CommandIo, signal: AbortSignal): Promise<Storage> {
  await using stack = new AsyncDisposableStack();
  const found = findConfigPath(path, io.env, io.cwd);
  if (found === undefined) {
    throw new StorageProblem('There is no configuration here. Name one with --config, or in REPO_CONFIG.');
  }
  const { machineId } = readEnvironment(io.env);
  const { config } = await loadConfig(found.path);
  const now = Date.now;
  const { log } = stack.use(
    openLog({ level: 'warn', colors: false, json: false, directory: '-', now, output: io.stderr }),
  );
  const { sqlite, postgres, pool, timeouts } = config.database;
  const named = sqlite === '' ? { postgres } : { sqlite };
  const database = stack.use(await openDatabase({ ...named, pool, timeouts, log, now, signal }));
  const newUniqueId = createUniqueIds({ machineId, now });
  const datastores = stack.use(
    await openDatastores(config.allDatastores, {
      machineId: FIRST_NUMBER_OF_COMMANDS + randomInt(2 ** 40),
      newUniqueId,
      now,
      log,
      measure: () => measureDatastores(database.db),
    }),
  );
  const { redis } = config;
  const { locks, bus } = stack.use(
    await openCluster(redis.enabled ? redis : undefined, { log, now, random: Math.random }),
  );
  const parts = stack.move();
  return {
    ...{ config, database, datastores, locks, bus, newUniqueId, now, log },
    forgetRecord: (uri) => bus.publish('media_changed', formatMxcUri(uri)),
    forgetRecords: () => bus.publish('media_changed', '*'),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

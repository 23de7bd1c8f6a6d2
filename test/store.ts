import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { type Cluster, createOwnCluster, createUniqueIds } from '../src/cluster/index.ts';
import type { Config, DomainConfig } from '../src/config/index.ts';
import type { Database, MediaRow } from '../src/database/index.ts';
import { type Datastores, openDatastores } from '../src/datastores/index.ts';
import { parseServerName } from '../src/matrix/index.ts';
import {
  createHotObjects,
  createMedia,
  createMediaRecords,
  createReceiveBuffers,
  createRemoteMedia,
  createUsage,
  type Media,
} from '../src/media/index.ts';
import type { UpkeepParts } from '../src/upkeep/index.ts';
import { makeConfig } from './config.ts';
import { openForTest } from './database/open.ts';
import type { PostgresForTests } from './postgres.ts';

export const OUR_NAME = 'example.org';

/** A database and a folder with the rules of media on top, and no server in front. */
export interface Store {
  readonly folder: string;
  readonly database: Database;
  readonly datastores: Datastores;
  readonly media: Media;
  readonly config: Config;
  readonly domain: DomainConfig;
  readonly upkeepParts: UpkeepParts;
  /** @returns the media ID, in {@link OUR_NAME} */
  upload(bytes: Uint8Array, user?: string, name?: string): Promise<string>;
  /** Uploads, and makes it what was fetched from another server at that time. @returns the media ID */
  fetchAt(bytes: Uint8Array, origin: string, ts: number): Promise<string>;
  find(origin: string, mediaId: string): Promise<MediaRow | undefined>;
  /** What lies where the record says, past all that is remembered; `undefined`: no record, or no object. */
  read(origin: string, mediaId: string): Promise<Buffer | undefined>;
}

/** What a store has to do with others. */
type OfCluster = Pick<Cluster, 'locks' | 'bus' | 'openCache'>;

/** The engines that {@link openStore} knows, for loops over tests. */
export function enginesOf(postgres: PostgresForTests) {
  return [
    { name: 'sqlite', skip: false, options: async () => ({ sqlite: ':memory:' }) },
    {
      name: 'postgres',
      skip: postgres.skip,
      options: async (t: TestContext) => ({ postgres: await postgres.createDatabase(t) }),
    },
  ] as const;
}

export async function openStore(t: TestContext, engine: ReturnType<typeof enginesOf>[number]): Promise<Store> {
  const [store] = await openStores(t, engine, [createOwnCluster({ now: Date.now })]);
  if (store === undefined) throw new Error('There is a store for each cluster');
  return store;
}

/**
 * Several processes on one database and one folder, as far as they can tell.
 * @param clusters what each has to do with others
 * @param slowDown what is put before their datastores
 */
export async function openStores(
  t: TestContext,
  engine: ReturnType<typeof enginesOf>[number],
  clusters: readonly OfCluster[],
  slowDown: (datastores: Datastores) => Datastores = (datastores) => datastores,
): Promise<Store[]> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-store-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const options = await engine.options(t);
  const stores: Store[] = [];
  for (const [machineId, cluster] of clusters.entries()) {
    stores.push(await openProcess(t, folder, await openForTest(t, options), cluster, machineId, slowDown));
  }
  return stores;
}

async function openProcess(
  t: TestContext,
  folder: string,
  database: Database,
  { locks, bus, openCache }: OfCluster,
  machineId: number,
  slowDown: (datastores: Datastores) => Datastores,
): Promise<Store> {
  const config = await makeConfig({
    datastores: [{ type: 'file', id: 'main', forKinds: ['all'], opts: { path: folder } }],
    uploads: { minBytes: 0 },
  });
  const domain = config.domains.get(OUR_NAME);
  if (domain === undefined) throw new Error(`${OUR_NAME} is not configured`);
  const now = Date.now;
  const log = pino({ level: 'silent' });
  const newUniqueId = createUniqueIds({ machineId, now });
  const opened = await openDatastores(config.allDatastores, {
    machineId,
    newUniqueId,
    now,
    log,
    measure: async () => new Map(),
  });
  t.after(() => opened[Symbol.asyncDispose]());
  const datastores = slowDown(opened);
  const records = createMediaRecords({ database, bus, now });
  const usage = createUsage({ database, now, log });
  const parts = {
    ...{ database, datastores, records, usage, newUniqueId, now, steadyNow: now },
    ...{ locks, bus },
    hotObjects: createHotObjects(),
    receiveBuffers: createReceiveBuffers(),
  };
  const ask = () => Promise.reject(new Error('This store asks nobody'));
  const media = createMedia({ ...parts, remoteMedia: createRemoteMedia({ ...parts, openCache, ask }) });

  const upload: Store['upload'] = async (bytes, user = 'alice', name = '') => {
    const asked = {
      origin: parseServerName(OUR_NAME),
      userId: `@${user}:${OUR_NAME}`,
      uploadName: name,
      contentType: 'application/octet-stream',
      declaredBytes: bytes.length,
      startBody: async function* () {
        yield Buffer.from(bytes); // a copy: its memory is taken away
      },
    };
    return (await media.upload(config, domain, asked, t.signal)).mediaId;
  };
  const find: Store['find'] = (origin, mediaId) =>
    database.db
      .selectFrom('media')
      .selectAll()
      .where('origin', '=', origin)
      .where('media_id', '=', mediaId)
      .executeTakeFirst();
  return {
    ...{ folder, database, datastores, media, config, domain, upload, find },
    upkeepParts: { ...parts, forgetRecord: records.forget, forgetRecords: records.forgetAll, log },
    async fetchAt(bytes, origin, ts) {
      const mediaId = await upload(bytes, `fetched ${newUniqueId()}`);
      await database.db
        .updateTable('media')
        .set({ origin, user_id: '', creation_ts: ts })
        .where('media_id', '=', mediaId)
        .execute();
      return mediaId;
    },
    async read(origin, mediaId) {
      const row = await find(origin, mediaId);
      if (row === undefined) return undefined;
      await using object = await datastores.find(row.datastore_id)?.open(row.location, t.signal);
      if (object === undefined) return undefined;
      const chunks: Buffer[] = [];
      for await (const chunk of object.read({ start: 0, end: object.sizeBytes - 1 }, t.signal)) {
        chunks.push(Buffer.from(chunk));
      }
      return Buffer.concat(chunks);
    },
  };
}

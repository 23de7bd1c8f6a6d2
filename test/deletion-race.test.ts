import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import pino from 'pino';
import { type Cluster, createOwnCluster, openCluster } from '../src/cluster/index.ts';
import type { Datastores } from '../src/datastores/index.ts';
import { type MxcUri, NotFound, parseMediaId, parseServerName } from '../src/matrix/index.ts';
import { expireMedia } from '../src/upkeep/index.ts';
import { usePostgres } from './postgres.ts';
import { redisOptions, skipWithoutRedis, startRedis } from './redis.ts';
import { enginesOf, OUR_NAME, openStores, type Store } from './store.ts';

/** `script/soak` asks for more. */
const soak = process.env['VITRINE_SOAK_RACE_ROUNDS'];
const REMOTE = 'remote.example';
const NO_EXPIRY = { remoteMedia: 1, thumbnails: 0, previews: 0 };

const [sqlite, postgres] = enginesOf(await usePostgres());
const alone = () => createOwnCluster({ now: Date.now });

async function withRedis(t: TestContext): Promise<Cluster[]> {
  const options = redisOptions([await startRedis(t)]);
  const parts = { log: pino({ level: 'silent' }), now: Date.now, random: Math.random };
  const clusters = [await openCluster(options, parts), await openCluster(options, parts)];
  for (const cluster of clusters) t.after(() => cluster[Symbol.asyncDispose]());
  return clusters;
}

const CASES = [
  { name: 'in one process, on sqlite', rounds: 200, engine: sqlite, skip: false, join: async () => [alone()] },
  {
    name: 'in one process, on postgres',
    rounds: 40,
    engine: postgres,
    skip: postgres.skip,
    join: async () => [alone()],
  },
  { name: 'in two', rounds: 40, engine: postgres, skip: skipWithoutRedis() || postgres.skip, join: withRedis },
  {
    name: 'in two without Redis',
    rounds: 60,
    engine: postgres,
    skip: postgres.skip,
    join: async () => [alone(), alone()],
  },
];

/** A disk or a network takes its time, which is when things go wrong. */
function slowDown(datastores: Datastores): Datastores {
  const find: Datastores['find'] = (id) => {
    const found = datastores.find(id);
    if (found === undefined) return undefined;
    return {
      ...found,
      async open(location, signal) {
        const object = await found.open(location, signal);
        await passTime();
        return object;
      },
      async delete(location, signal) {
        await passTime();
        await found.delete(location, signal);
      },
    };
  };
  return { ...datastores, find };
}

async function passTime(): Promise<void> {
  for (let turn = randomInt(40); turn > 0; turn -= 1) await setImmediate();
}

async function copy(store: Store, source: MxcUri, signal: AbortSignal): Promise<string | undefined> {
  const asker = { isAuthenticated: true, waitMs: 0 };
  const asked = { source, origin: parseServerName(OUR_NAME), userId: `@carol:${OUR_NAME}`, asker };
  try {
    return (await store.media.copy(store.config, store.domain, asked, signal)).mediaId;
  } catch (error) {
    if (error instanceof NotFound) return undefined; // too late
    throw error;
  }
}

async function countObjects({ folder }: Store): Promise<number> {
  return (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('idv2fmt')).length;
}

for (const { name, engine, skip, join, ...given } of CASES) {
  const rounds = Number(soak ?? given.rounds);
  test(`${name}: media expires while the same content is uploaded and copied, and all that was answered is there, once, ${rounds} times`, {
    skip,
  }, async (t) => {
    const stores = await openStores(t, engine, await join(t), slowDown);
    const [here, there = here] = stores;
    assert.ok(here && there);
    const retention = {
      ...here.upkeepParts,
      ourOrigins: () => [OUR_NAME],
      expireAfterDays: () => NO_EXPIRY,
    };
    let expired = 0;
    let copied = 0;
    for (let round = 0; round < rounds; round += 1) {
      const bytes = randomBytes(20 + (round % 3) * 70_000);
      const mediaId = await here.fetchAt(bytes, REMOTE, 1);
      const source = { origin: parseServerName(REMOTE), mediaId: parseMediaId(mediaId) };
      // Different orders of starting, so that each side is sometimes the first.
      const works: (() => Promise<string | undefined>)[] = [
        async () => {
          // Some time on the way of the uploads: received, looked up, placed, written.
          await passTime();
          expired += await expireMedia(retention, Date.now() - 1000, t.signal);
          return undefined;
        },
        () => there.upload(bytes, 'alice'),
      ];
      // In some rounds one upload alone: of many the first keeps the object for the others.
      if (round % 2 === 0) {
        works.push(
          () => here.upload(bytes, 'bob'),
          () => copy(there, source, t.signal),
          () => there.upload(bytes, 'alice', 'again'),
        );
      }
      const order = [...works.slice(round % works.length), ...works.slice(0, round % works.length)];
      const answers = await Promise.all(order.map((work) => work()));
      const answered = answers.filter((answer) => answer !== undefined);
      copied += answered.length > 3 ? 1 : 0;
      for (const id of answered) {
        const found = await here.read(OUR_NAME, id);
        assert.ok(found?.equals(bytes), `round ${round}: mxc://${OUR_NAME}/${id} was answered, and is not there`);
      }
      if ((await here.find(REMOTE, mediaId)) !== undefined) assert.ok(await here.read(REMOTE, mediaId));
    }
    t.diagnostic(`${expired} expired, ${copied} were copied before`);
    assert.ok(expired > 0, 'nothing expired: there was no race');
    assert.equal(await countObjects(here), rounds);
  });
}

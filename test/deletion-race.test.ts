import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Datastores } from '../src/datastores/index.ts';
import { type MxcUri, NotFound, parseMediaId, parseServerName } from '../src/matrix/index.ts';
import { expireMedia } from '../src/upkeep/index.ts';
import { usePostgres } from './postgres.ts';
import { enginesOf, OUR_NAME, openStore } from './store.ts';

const ROUNDS = Number(process.env['VITRINE_SOAK_RACE_ROUNDS'] ?? 200);
const REMOTE = 'remote.example';
const NO_EXPIRY = { remoteMedia: 1, thumbnails: 0, previews: 0 };

/** A disk or a network takes its time, which is when things go wrong. */
function slowToDelete(datastores: Datastores): Datastores {
  const find: Datastores['find'] = (id) => {
    const found = datastores.find(id);
    if (found === undefined) return undefined;
    return {
      ...found,
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

for (const engine of enginesOf(await usePostgres())) {
  test(`on ${engine.name}: media expires while the same content is uploaded and copied, and all that was answered is there, ${ROUNDS} times`, {
    skip: engine.skip,
  }, async (t) => {
    const store = await openStore(t, engine);
    const datastores = slowToDelete(store.datastores);
    const retention = {
      ...store.upkeepParts,
      datastores,
      ourOrigins: () => [OUR_NAME],
      expireAfterDays: () => NO_EXPIRY,
    };
    const copy = async (source: MxcUri): Promise<string | undefined> => {
      const asker = { isAuthenticated: true, waitMs: 0 };
      const asked = { source, origin: parseServerName(OUR_NAME), userId: `@carol:${OUR_NAME}`, asker };
      try {
        return (await store.media.copy(store.config, store.domain, asked, t.signal)).mediaId;
      } catch (error) {
        if (error instanceof NotFound) return undefined; // too late
        throw error;
      }
    };
    let expired = 0;
    let copied = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const bytes = randomBytes(1 + (round % 3) * 70_000);
      const mediaId = await store.fetchAt(bytes, REMOTE, 1);
      const source = { origin: parseServerName(REMOTE), mediaId: parseMediaId(mediaId) };
      // Different orders of starting, so that each side is sometimes the first.
      const works = [
        async () => {
          // Some time on the way of the uploads: received, looked up, placed, written.
          await passTime();
          expired += await expireMedia(retention, Date.now() - 1000, t.signal);
          return undefined;
        },
        () => store.upload(bytes, 'alice'),
        () => store.upload(bytes, 'bob'),
        () => copy(source),
        () => store.upload(bytes, 'alice', 'again'),
      ];
      const order = [...works.slice(round % works.length), ...works.slice(0, round % works.length)];
      const answers = await Promise.all(order.map((work) => work()));
      const answered = answers.filter((answer) => answer !== undefined);
      copied += answered.length - 3;
      for (const id of answered) {
        const found = await store.read(OUR_NAME, id);
        assert.ok(found?.equals(bytes), `round ${round}: mxc://${OUR_NAME}/${id} was answered, and is not there`);
      }
      if ((await store.find(REMOTE, mediaId)) !== undefined) assert.ok(await store.read(REMOTE, mediaId));
    }
    t.diagnostic(`${expired} expired, ${copied} were copied before`);
    assert.ok(expired > 0, 'nothing expired: there was no race');
  });
}

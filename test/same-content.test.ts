import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { findLost } from './mixed-load.ts';
import { skipWithoutRedis, startRedis } from './redis.ts';
import { checkAndRepair } from './run-check.ts';
import { ENGINES, listObjects, makeServiceFolder, startServiceIn, uploadBytes } from './service.ts';

const CONTENTS = 100;
const AT_ONCE = 10;
const postgres = ENGINES[1];
const CASES = [
  {
    name: 'with Redis',
    skip: skipWithoutRedis() || postgres.skip,
    addrOf: async (t: TestContext) => (await startRedis(t)).addr,
  },
  { name: 'without Redis', skip: postgres.skip, addrOf: async () => undefined },
];

for (const { name, skip, addrOf } of CASES) {
  test(`${name}: of ${CONTENTS} contents that come to two processes at once, each is stored once`, {
    skip,
  }, async (t) => {
    const addr = await addrOf(t);
    const folder = await makeServiceFolder(t, postgres, {
      ...(addr !== undefined && { redis: { enabled: true, shards: [{ name: 'one', addr }] } }),
    });
    const start = (machineId: number) => startServiceIn(t, folder, undefined, undefined, machineId);
    const services = [await start(0), await start(1)] as const;
    const answered = new Map<string, string>();
    for (let done = 0; done < CONTENTS; done += AT_ONCE) {
      const contents = Array.from({ length: AT_ONCE }, (_, index) => randomBytes(1_000 + 8_000 * index));
      const uploads = contents.flatMap((bytes) =>
        services.map(async ({ ask }, index) => {
          const uri = await uploadBytes(ask, bytes, { name: `from ${index}` });
          answered.set(uri, createHash('sha256').update(bytes).digest('hex'));
        }),
      );
      await Promise.all(uploads);
    }
    assert.equal(answered.size, 2 * CONTENTS);
    assert.equal((await listObjects(folder)).length, CONTENTS);
    assert.deepEqual(await findLost(services[1].url, answered), []);
    assert.equal(await checkAndRepair(folder), 0);
  });
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { sql } from 'kysely';
import { skipWithoutPgbouncer, startPgbouncer } from '../pgbouncer.ts';
import { makePng } from '../pictures.ts';
import { usePostgres } from '../postgres.ts';
import { ENGINES, pathOf, startTestService, uploadBytes } from '../service.ts';
import { runSql } from './describe-schema.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();
const about = { skip: postgres.skip || skipWithoutPgbouncer() };
const [engine] = ENGINES;

for (const mode of ['transaction', 'session'] as const) {
  test(
    `the service works through PgBouncer in ${mode} mode, which has one connection to the server`,
    about,
    async (t) => {
      const direct = await postgres.createDatabase(t);
      const pooled = await startPgbouncer(t, direct, mode);
      // In session mode whoever connects has the server's connection for itself.
      const maxConnections = mode === 'session' ? 1 : 10;
      const database = { postgres: pooled, pool: { maxConnections, maxIdleConnections: 0 } };
      const { ask } = await startTestService(t, engine, { database });
      const png = await makePng({ width: 400, height: 300 });
      const uris = await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          uploadBytes(ask, at % 2 === 0 ? randomBytes(500) : png, { type: 'image/png', name: `${at}` }),
        ),
      );
      const asked = uris.flatMap((uri, at) => [
        ask(pathOf(uri)),
        ...(at % 2 === 1 ? [ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96&method=crop`)] : []),
        ask('/_matrix/media/v1/create', { method: 'POST' }),
      ]);
      const statuses = (await Promise.all(asked)).map(({ status }) => status);
      assert.deepEqual(new Set(statuses), new Set([200, 429])); // five created IDs at a time
      assert.equal((await ask('/readyz')).status, 200);

      const clients = await runSql(
        direct,
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      assert.deepEqual(clients, [{ n: 1 }]);
    },
  );
}

test('nothing is left behind in a connection that others will share', about, async (t) => {
  const direct = await postgres.createDatabase(t);
  const pooled = await startPgbouncer(t, direct, 'transaction');
  const { ask, stop } = await startTestService(t, engine, { database: { postgres: pooled } });
  await ask(pathOf(await uploadBytes(ask, randomBytes(500))));
  const { db } = await openForTest(t, { postgres: pooled });
  const { rows } = await sql`select
    (select count(*)::int from pg_prepared_statements where name <> '') as statements,
    (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
    (select count(*)::int from pg_listening_channels()) as channels,
    (select count(*)::int from pg_settings where source = 'session' and name not in ('application_name')) as settings
  `.execute(db);
  await stop();
  assert.deepEqual(rows, [{ statements: 0, locks: 0, channels: 0, settings: 0 }]);
});

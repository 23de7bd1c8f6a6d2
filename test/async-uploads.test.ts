import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type ConfigSections, ENGINES, type Engine, pathOf, startTestService, type TestService } from './service.ts';

const BOB = '?user_id=@bob:example.org';

async function start(t: TestContext, engine: Engine, uploads: ConfigSections = {}) {
  return await startTestService(t, engine, { uploads: { minBytes: 0, ...uploads } });
}

interface Created {
  readonly content_uri: string;
  readonly unused_expires_at: number;
}

async function create({ ask }: TestService): Promise<Created> {
  const answer = await ask('/_matrix/media/v1/create', { method: 'POST' });
  assert.equal(answer.status, 200);
  return (await answer.json()) as Created;
}

function put({ ask }: TestService, contentUri: string, body: RequestInit['body'], query = ''): Promise<Response> {
  const path = `/_matrix/media/v3/upload/${contentUri.slice('mxc://'.length)}${query}`;
  return ask(path, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body, duplex: 'half' } as RequestInit);
}

async function assertRefused(answer: Response, status: number, errcode: string): Promise<void> {
  assert.equal(((await answer.json()) as { errcode: string }).errcode, errcode);
  assert.equal(answer.status, status);
}

for (const engine of ENGINES) {
  const options = { skip: engine.skip };

  test(
    `CR-1, CR-2, CR-5, CR-8: on ${engine.name}, a created ID takes its content once, and then serves it`,
    options,
    async (t) => {
      const service = await start(t, engine);
      const before = Date.now();
      const { content_uri, unused_expires_at } = await create(service);
      assert.ok(unused_expires_at >= before + 1_800_000 && unused_expires_at <= Date.now() + 1_800_000);
      const answer = await put(service, content_uri, 'hello', '?filename=a.txt');
      assert.deepEqual([answer.status, await answer.json()], [200, {}]);
      const media = await service.ask(pathOf(content_uri));
      assert.equal(await media.text(), 'hello');
      assert.equal(media.headers.get('content-disposition'), 'inline; filename=a.txt');
      await assertRefused(await put(service, content_uri, 'other'), 409, 'M_CANNOT_OVERWRITE_MEDIA');
      await assertRefused(await put(service, content_uri, 'other', BOB), 403, 'M_FORBIDDEN');
      assert.equal(await (await service.ask(pathOf(content_uri))).text(), 'hello');
    },
  );

  test(
    `CR-5: on ${engine.name}, equal content under two created IDs is one object, and both serve it`,
    options,
    async (t) => {
      const service = await start(t, engine);
      const uris = [(await create(service)).content_uri, (await create(service)).content_uri];
      for (const uri of uris) assert.equal((await put(service, uri, 'the same')).status, 200);
      assert.notEqual(uris[0], uris[1]);
      for (const uri of uris) assert.equal(await (await service.ask(pathOf(uri))).text(), 'the same');
    },
  );

  test(
    `CR-2, CR-6, CR-7: on ${engine.name}, foreign, unknown, other people's and expired IDs take nothing`,
    options,
    async (t) => {
      const service = await start(t, engine, { maxAgeSeconds: 0 });
      await assertRefused(await put(service, 'mxc://other.example.org/abc', 'x'), 404, 'M_NOT_FOUND');
      await assertRefused(await put(service, 'mxc://example.org/never', 'x'), 404, 'M_NOT_FOUND');
      await assertRefused(await put(service, 'mxc://example.org/a%2Fb', 'x'), 400, 'M_INVALID_PARAM');
      const { content_uri } = await create(service);
      await assertRefused(await put(service, content_uri, 'x', BOB), 403, 'M_FORBIDDEN');
      await setTimeout(5);
      await assertRefused(await put(service, content_uri, 'x'), 404, 'M_NOT_FOUND');
      await assertRefused(await service.ask(pathOf(content_uri)), 404, 'M_NOT_FOUND');
    },
  );

  test(`CR-12, CR-13: on ${engine.name}, those who wait for an upload get it when it comes`, options, async (t) => {
    const service = await start(t, engine);
    const { content_uri } = await create(service);
    const waiting = [1, 2, 3].map(() => service.ask(`${pathOf(content_uri)}?timeout_ms=30000`));
    await setTimeout(50);
    assert.equal((await put(service, content_uri, 'hello')).status, 200);
    for (const answer of await Promise.all(waiting)) assert.equal(await answer.text(), 'hello');
  });

  test(
    `CR-12, CR-13, DL-6, DL-9, TH-17: on ${engine.name}, those who have waited long enough are told so`,
    options,
    async (t) => {
      const service = await start(t, engine);
      const { content_uri } = await create(service);
      for (const query of ['?timeout_ms=0', '?timeout_ms=30']) {
        const answer = await service.ask(pathOf(content_uri) + query);
        await assertRefused(answer, 504, 'M_NOT_YET_UPLOADED');
      }
      const thumbnail = await service.ask(`${pathOf(content_uri, 'thumbnail')}?width=1&height=1&timeout_ms=0`);
      await assertRefused(thumbnail, 504, 'M_NOT_YET_UPLOADED');
      for (const wrong of ['-1', 'soon', '1.5']) {
        await assertRefused(await service.ask(`${pathOf(content_uri)}?timeout_ms=${wrong}`), 400, 'M_INVALID_PARAM');
      }
    },
  );

  test(
    `CR-8, U-8: on ${engine.name}, of two uploads to one ID at once one wins; when it breaks off, the other may try again`,
    options,
    async (t) => {
      const service = await start(t, engine);
      const { content_uri } = await create(service);
      const leaving = new AbortController();
      const slow = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
      const path = `/_matrix/media/v3/upload/${content_uri.slice('mxc://'.length)}`;
      const init = { method: 'PUT', body: slow, duplex: 'half', signal: leaving.signal } as RequestInit;
      const first = service.ask(path, init);
      const failed = assert.rejects(first);
      const answers: number[] = [];
      while (answers.at(-1) !== 409) {
        // Until the first one's head has arrived, an upload without a word to say would win: it asks to be refused.
        answers.push((await put(service, content_uri, new Uint8Array(0), BOB)).status);
        if (answers.at(-1) === 403) {
          await setTimeout(100);
          answers.push((await put(service, content_uri, 'second')).status);
        }
      }
      leaving.abort();
      await failed;
      let status = 409;
      while (status === 409) {
        status = (await put(service, content_uri, 'third')).status;
        await setTimeout(10);
      }
      assert.equal(status, 200);
      assert.equal(await (await service.ask(pathOf(content_uri))).text(), 'third');
    },
  );

  test(
    `CR-8: on ${engine.name}, twenty uploads to one ID at the same time make one media and nineteen refusals`,
    options,
    async (t) => {
      const service = await start(t, engine);
      const { content_uri } = await create(service);
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async (_, at) => (await put(service, content_uri, `upload ${at}`)).status),
      );
      assert.equal(statuses.filter((status) => status === 200).length, 1);
      assert.equal(statuses.filter((status) => status === 409).length, 19);
    },
  );

  test(
    `CR-3: on ${engine.name}, a user has so many IDs open, and is told when there is room again`,
    options,
    async (t) => {
      const service = await start(t, engine, { maxPending: 2 });
      const uris = [(await create(service)).content_uri, (await create(service)).content_uri];
      const answer = await service.ask('/_matrix/media/v1/create', { method: 'POST' });
      const wait = Number(answer.headers.get('retry-after'));
      assert.ok(wait > 1700 && wait <= 1801, String(wait));
      const { errcode, retry_after_ms } = (await answer.json()) as { errcode: string; retry_after_ms: number };
      assert.deepEqual([answer.status, errcode], [429, 'M_LIMIT_EXCEEDED']);
      assert.ok(Math.ceil(retry_after_ms / 1000) === wait);
      assert.equal((await service.ask(`/_matrix/media/v1/create${BOB}`, { method: 'POST' })).status, 200);
      assert.equal((await put(service, uris[0] ?? '', 'x')).status, 200);
      await create(service);
    },
  );

  test(
    `CR-11: on ${engine.name}, an upload that began in time may finish after the ID has expired`,
    options,
    async (t) => {
      const service = await start(t, engine, { maxAgeSeconds: 1 });
      const { content_uri, unused_expires_at } = await create(service);
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const answer = put(service, content_uri, readable);
      const writer = writable.getWriter();
      await writer.write(Buffer.from('in '));
      await setTimeout(unused_expires_at - Date.now() + 50);
      await writer.write(Buffer.from('time'));
      await writer.close();
      assert.equal((await answer).status, 200);
      assert.equal(await (await service.ask(pathOf(content_uri))).text(), 'in time');
    },
  );
}

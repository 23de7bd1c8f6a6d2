import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { errorOf } from './client.ts';
import { playNeighbours } from './neighbours.ts';
import { makeJpeg, sizeOf } from './pictures.ts';
import { listObjects } from './service.ts';

const BYTES = randomBytes(300_000);
const NAMED = { type: 'image/png', name: 'Große Katze.png' };
const DISPOSITION = 'inline; filename="Gro?e Katze.png"; filename*=UTF-8\'\'Gro%C3%9Fe%20Katze.png';
/** Without it new media is for those with a token, whom another server has not on the deprecated endpoints. */
const UNFROZEN = {
  repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'fatal', freezeUnauthenticatedMedia: false },
};

const download = (media: string) => `/_matrix/client/v1/media/download/${media}`;

async function bytesOf(answer: Response): Promise<Buffer> {
  assert.ok(answer.ok, `${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

test('FED-12, FED-13: two services fetch from each other, signed, with type and name', async (t) => {
  const { here, there } = await playNeighbours(t);
  for (const [asking, owning] of [
    [here, there],
    [there, here],
  ] as const) {
    const media = await owning.upload(BYTES, NAMED);
    const answer = await asking.ask(download(media));
    assert.equal(answer.headers.get('content-type'), NAMED.type);
    assert.equal(answer.headers.get('content-disposition'), DISPOSITION);
    assert.ok((await bytesOf(answer)).equals(BYTES));
    const mediaId = media.split('/')[1];
    assert.deepEqual(owning.askedForMedia(), [`/_matrix/federation/v1/media/download/${mediaId}`]);
    assert.match(owning.front.requests.at(-1)?.headers.authorization ?? '', /^X-Matrix /);
  }
});

test('media is fetched once, whatever is asked of it and how often', async (t) => {
  const { here, there } = await playNeighbours(t);
  const picture = await makeJpeg({ width: 640, height: 480 });
  const media = await there.upload(picture, { type: 'image/jpeg' });
  await bytesOf(await here.ask(download(media)));
  const asked = there.front.requests.length;
  for (const path of [
    download(media),
    `/_matrix/media/v3/download/${media}?allow_remote=false`,
    `/_matrix/client/v1/media/thumbnail/${media}?width=96&height=96&method=crop`,
    `/_matrix/media/unstable/info/${media}`,
    `/_matrix/media/unstable/local_copy/${media}`,
  ]) {
    await bytesOf(await here.ask(path));
  }
  const { headers } = await here.ask(download(media), { method: 'HEAD' });
  assert.equal(headers.get('content-length'), String(picture.length));
  assert.equal(there.front.requests.length, asked);
  assert.equal(there.askedForMedia().length, 1);
});

test('DISC-11, KEY-6: two hundred media of one server cost one delegation, one look for services and one fetch of keys', async (t) => {
  const { here, there, internet } = await playNeighbours(t, { there: { hasKey: false } });
  const well = await internet.start('10.0.0.2 443', { names: [there.name] });
  const media: string[] = [];
  for (let at = 0; at < 200; at += 1) media.push(await there.upload(Buffer.from(`Media ${at}`)));
  const answers = await Promise.all(media.map((one) => here.ask(download(one))));
  const texts = await Promise.all(answers.map(async (answer) => (await bytesOf(answer)).toString()));
  assert.deepEqual(
    texts,
    Array.from(media, (_, at) => `Media ${at}`),
  );
  assert.equal(there.askedForMedia().length, 200);
  assert.deepEqual(
    well.requests.map(({ path }) => path),
    ['/.well-known/matrix/server'],
  );
  const services = internet.dns.questions.filter((question) => /^SRV _matrix-fed\._tcp\.there/.test(question));
  assert.equal(services.length, 1);
  const keys = here.front.requests.filter(({ path }) => path === '/_matrix/key/v2/server');
  assert.equal(keys.length, 2); // by the other server, and by its own, which looks at the start whether its key is published
  assert.ok(there.front.connections() <= 16, `${there.front.connections()} connections`);
});

test('a client that asks for a range of media that is elsewhere gets that range', async (t) => {
  const { here, there } = await playNeighbours(t);
  for (const [range, first, last] of [
    ['bytes=0-9', 0, 9],
    ['bytes=200000-250000', 200_000, 250_000],
    ['bytes=-5', BYTES.length - 5, BYTES.length - 1],
  ] as const) {
    const bytes = randomBytes(BYTES.length);
    const media = await there.upload(bytes);
    for (const when of ['first', 'then']) {
      const answer = await here.ask(download(media), { headers: { range } });
      assert.equal(answer.status, 206, when);
      assert.equal(answer.headers.get('content-range'), `bytes ${first}-${last}/${BYTES.length}`);
      assert.ok((await bytesOf(answer)).equals(bytes.subarray(first, last + 1)));
    }
  }
  assert.equal(there.askedForMedia().length, 3);
});

test('thumbnails of media that is elsewhere are made here, of what is fetched once', async (t) => {
  const { here, there } = await playNeighbours(t);
  const media = await there.upload(await makeJpeg({ width: 640, height: 480 }), { type: 'image/jpeg' });
  const ask = (width: number) =>
    here.ask(`/_matrix/client/v1/media/thumbnail/${media}?width=${width}&height=${width}&method=crop`);
  for (const answer of await Promise.all([96, 32, 96].map(ask))) {
    const { width, height } = await sizeOf(await bytesOf(answer));
    assert.ok(width === height && [32, 96].includes(width), `${width}×${height}`);
  }
  assert.deepEqual(there.askedForMedia(), [`/_matrix/federation/v1/media/download/${media.split('/')[1]}`]);
});

test('FED-14: without a key to sign with, the deprecated endpoint gives what is not frozen', async (t) => {
  const { here, there } = await playNeighbours(t, { here: { hasKey: false }, there: { sections: UNFROZEN } });
  const media = await there.upload(BYTES, NAMED);
  const answer = await here.ask(download(media));
  assert.equal(answer.headers.get('content-disposition'), DISPOSITION);
  assert.ok((await bytesOf(answer)).equals(BYTES));
  assert.deepEqual(there.askedForMedia(), [`/_matrix/media/v3/download/${media}`]);
});

test('without a key to sign with, frozen media is not to be had', async (t) => {
  const { here, there } = await playNeighbours(t, { here: { hasKey: false } });
  const media = await there.upload(BYTES, NAMED);
  assert.deepEqual(await errorOf(await here.ask(download(media))), { status: 404, errcode: 'M_NOT_FOUND' });
  assert.deepEqual(await listObjects(here.service), []);
});

test('FED-14: a proxy that lets only the deprecated endpoints through is no hindrance', async (t) => {
  const { here, there } = await playNeighbours(t, { there: { sections: UNFROZEN } });
  const media = await there.upload(BYTES, NAMED);
  const signed = `/_matrix/federation/v1/media/download/${media.split('/')[1]}`;
  there.front.answer(signed, { status: 404, body: '<html>nginx</html>' });
  assert.ok((await bytesOf(await here.ask(download(media)))).equals(BYTES));
  assert.deepEqual(there.askedForMedia(), [signed, `/_matrix/media/v3/download/${media}`]);
});

for (const [endpoint, hasKey] of [
  ['authenticated', true],
  ['deprecated', false],
] as const) {
  test(`FED-18, FED-19: the ${endpoint} endpoint may lead to a store of objects, which gets no credentials`, async (t) => {
    const there = { sections: UNFROZEN, isPublic: true };
    const played = await playNeighbours(t, { here: { hasKey }, there });
    const media = await played.there.upload(BYTES, NAMED);
    const answer = await played.here.ask(download(media));
    assert.equal(answer.headers.get('content-type'), 'image/x-from-the-store');
    assert.ok((await bytesOf(answer)).equals(BYTES));
    assert.ok(played.internet.routes.used.includes('10.0.1.2 443'));
    assert.ok((await bytesOf(await played.here.ask(download(media)))).equals(BYTES));
    assert.equal(played.there.askedForMedia().length, 1);
  });
}

test('media that is not there is 404, and what the other server keeps of ours is not its own', async (t) => {
  const { here, there } = await playNeighbours(t);
  const own = await here.upload(BYTES, NAMED);
  await bytesOf(await there.ask(download(own)));
  for (const media of ['there.example/unknown', `there.example/${own.split('/')[1]}`]) {
    assert.deepEqual(await errorOf(await here.ask(download(media))), { status: 404, errcode: 'M_NOT_FOUND' });
  }
});

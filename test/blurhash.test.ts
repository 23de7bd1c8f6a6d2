import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from 'blurhash';
import { errorOf, mediaPathOf, type ServedUsers, startWithUsers } from './client.ts';
import { colourNear, makeJpeg, makePng, UPRIGHT } from './pictures.ts';
import { ENGINES, startServiceIn, startTestService } from './service.ts';

const ON = { featureSupport: { MSC2448: { enabled: true } } };
const GIVEN = 'LEHV6nWB2yk8pyo0adR*.7kCMdnj';
const UPLOAD = '/_matrix/media/v3/upload';
const FIELD = 'xyz.amorgan.blurhash';
type Answer = { readonly content_uri: string; readonly [FIELD]?: string };

async function upload(
  service: ServedUsers,
  body: string | Uint8Array<ArrayBuffer>,
  query: string,
  path = UPLOAD,
): Promise<Answer> {
  const headers = { 'content-type': 'image/png' };
  const answer = await service.askAs('alice', `${path}?${query}`, { method: 'POST', headers, body });
  assert.equal(answer.status, 200);
  return (await answer.json()) as Answer;
}

const blurhashPath = (uri: string) => `/_matrix/media/unstable/xyz.amorgan/download/${mediaPathOf(uri)}/blurhash`;

/** What a client would draw of it in the four corners. */
function cornersOf(blurhash: string) {
  const side = 32;
  const pixels = decode(blurhash, side, side);
  const at = (x: number, y: number) => colourNear([...pixels.slice((y * side + x) * 4, (y * side + x) * 4 + 3)]);
  return [at(4, 4), at(27, 4), at(4, 27), at(27, 27)];
}

for (const engine of ENGINES) {
  test(`a computed blurhash shows the upright picture and is kept, on ${engine.name}`, {
    skip: engine.skip,
  }, async (t) => {
    const service = await startTestService(t, engine, ON);
    const body = new Uint8Array(await makeJpeg({ width: 300, height: 200, orientation: 6 }));
    const headers = { 'content-type': 'image/jpeg' };
    const path = `${UPLOAD}?xyz.amorgan.generate_blurhash=true`;
    const answer = (await (await service.ask(path, { method: 'POST', headers, body })).json()) as Answer;
    const blurhash = answer[FIELD] ?? '';
    assert.deepEqual(cornersOf(blurhash), UPRIGHT);

    await service.stop();
    const again = await startServiceIn(t, service);
    const kept = await again.ask(blurhashPath(answer.content_uri));
    assert.deepEqual(await kept.json(), { [FIELD]: blurhash });
  });
}

test('a blurhash that comes with an upload is kept as it is, also for media that was created before', async (t) => {
  const service = await startWithUsers(t, ON);
  const picture = new Uint8Array(await makePng({ width: 40, height: 40 }));
  const query = new URLSearchParams({ [FIELD]: GIVEN, 'xyz.amorgan.generate_blurhash': 'true' }).toString();
  const uploaded = await upload(service, picture, query, '/_matrix/media/unstable/xyz.amorgan/upload');
  assert.equal(uploaded[FIELD], GIVEN);
  assert.deepEqual(await (await service.askAs('bob', blurhashPath(uploaded.content_uri))).json(), { [FIELD]: GIVEN });

  const create = await service.askAs('alice', '/_matrix/media/v1/create', { method: 'POST' });
  const { content_uri } = (await create.json()) as Answer;
  const path = `${UPLOAD}/${mediaPathOf(content_uri)}?${query}`;
  const filled = await service.askAs('alice', path, { method: 'PUT', body: picture });
  assert.deepEqual(await filled.json(), { [FIELD]: GIVEN });
});

test('the blurhash of one upload says nothing about another one of the same bytes', async (t) => {
  const service = await startWithUsers(t, ON);
  const picture = new Uint8Array(await makePng({ width: 40, height: 40 }));
  await upload(service, picture, new URLSearchParams({ [FIELD]: GIVEN, filename: 'first.png' }).toString());
  const other = await upload(service, picture, 'filename=second.png&xyz.amorgan.generate_blurhash=true');
  assert.deepEqual(cornersOf(other[FIELD] ?? ''), UPRIGHT);
});

test('what is no blurhash is refused before the upload, and leaves nothing', async (t) => {
  const service = await startWithUsers(t, ON);
  const query = new URLSearchParams({ [FIELD]: '<script>' }).toString();
  const answer = await service.askAs('alice', `${UPLOAD}?${query}`, { method: 'POST', body: 'x' });
  assert.deepEqual(await errorOf(answer), { status: 400, errcode: 'M_INVALID_PARAM' });
});

test('what is no picture is uploaded without a blurhash, and has none', async (t) => {
  const service = await startWithUsers(t, ON);
  const answer = await upload(service, 'no picture at all', 'xyz.amorgan.generate_blurhash=true');
  assert.deepEqual(Object.keys(answer), ['content_uri']);
  const asked = await service.askAs('alice', blurhashPath(answer.content_uri));
  assert.deepEqual(await errorOf(asked), { status: 400, errcode: 'M_UNKNOWN' });
  const missing = await service.askAs('alice', `${blurhashPath('mxc://example.org/missing')}?timeout_ms=0`);
  assert.deepEqual(await errorOf(missing), { status: 404, errcode: 'M_NOT_FOUND' });
});

test('without the option there are no blurhashes, and a query for one means nothing', async (t) => {
  const service = await startWithUsers(t);
  const picture = new Uint8Array(await makePng({ width: 40, height: 40 }));
  const answer = await upload(service, picture, `xyz.amorgan.generate_blurhash=true&${FIELD}=none`);
  assert.deepEqual(Object.keys(answer), ['content_uri']);
  const asked = await service.askAs('alice', blurhashPath(answer.content_uri));
  assert.deepEqual(await errorOf(asked), { status: 404, errcode: 'M_UNRECOGNIZED' });
});

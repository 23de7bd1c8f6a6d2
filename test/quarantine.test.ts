import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { errorOf } from './client.ts';
import { openServiceDatabase } from './database/open.ts';
import { cornersOf, makeJpeg, makePng, makeWebp, sizeOf, UPRIGHT } from './pictures.ts';
import {
  type ConfigSections,
  ENGINES,
  type Engine,
  makeServiceFolder,
  pathOf,
  type ServiceFolder,
  startServiceIn,
  type TestService,
  uploadBytes,
} from './service.ts';

const SIZE = 'width=320&height=240&method=scale';

interface Quarantined {
  readonly service: TestService;
  readonly uri: string;
}

/** A service with one picture, of which there is a thumbnail, and which has been quarantined since. */
async function startWithQuarantined(
  t: TestContext,
  engine: Engine,
  sections: ConfigSections = {},
): Promise<Quarantined> {
  const folder = await makeServiceFolder(t, engine, sections);
  const before = await startServiceIn(t, folder);
  const uri = await uploadBytes(before.ask, await makeJpeg({ width: 400, height: 300 }), { type: 'image/jpeg' });
  assert.equal((await before.ask(`${pathOf(uri, 'thumbnail')}?${SIZE}`)).status, 200);
  await before.stop();
  await quarantineAll(t, folder);
  return { service: await startServiceIn(t, folder), uri };
}

async function quarantineAll(t: TestContext, folder: ServiceFolder): Promise<void> {
  await using database = await openServiceDatabase(t, folder);
  await database.db.updateTable('media').set({ quarantined: true }).execute();
}

const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
const NOT_FOUND = { status: 404, errcode: 'M_NOT_FOUND' };

async function colourAt(png: Buffer, x: number, y: number): Promise<readonly number[]> {
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return [...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4)];
}

for (const engine of ENGINES) {
  const on = `on ${engine.name}: `;
  const { skip } = engine;

  test(`DL-11: ${on}a picture stands in for thumbnails of quarantined media, and nothing for the media`, {
    skip,
  }, async (t) => {
    const { service, uri } = await startWithQuarantined(t, engine);
    const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?${SIZE}`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'image/png');
    assert.equal(answer.headers.get('content-disposition'), 'inline; filename=not_allowed.png');
    assert.equal(answer.headers.get('cache-control'), 'private, max-age=259200');
    const picture = await bytesOf(answer);
    assert.deepEqual(await sizeOf(picture), { width: 320, height: 240 });
    const etag = answer.headers.get('etag') ?? '';
    const known = await service.ask(`${pathOf(uri, 'thumbnail')}?${SIZE}`, { headers: { 'if-none-match': etag } });
    assert.equal(known.status, 304);

    const head = await service.ask(`${pathOf(uri, 'thumbnail')}?${SIZE}`, { method: 'HEAD' });
    assert.equal(head.status, 404);
    assert.deepEqual(await errorOf(await service.ask(pathOf(uri))), NOT_FOUND);
  });

  test(`${on}thumbnails of quarantined media are not found, where nothing is to stand in for them`, {
    skip,
  }, async (t) => {
    const { service, uri } = await startWithQuarantined(t, engine, { quarantine: { replaceThumbnails: false } });
    assert.deepEqual(await errorOf(await service.ask(`${pathOf(uri, 'thumbnail')}?${SIZE}`)), NOT_FOUND);
  });
}

const [sqlite] = ENGINES;

test('a picture of 512×512 stands in for quarantined media, where that is wanted', async (t) => {
  const { service, uri } = await startWithQuarantined(t, sqlite, { quarantine: { replaceDownloads: true } });
  const answer = await service.ask(`${pathOf(uri)}/secret.jpg`);
  assert.equal(answer.headers.get('content-type'), 'image/png');
  assert.equal(answer.headers.get('content-disposition'), 'inline; filename=not_allowed.png');
  const picture = await bytesOf(answer);
  assert.equal(answer.headers.get('content-length'), String(picture.length));
  assert.deepEqual(await sizeOf(picture), { width: 512, height: 512 });
  assert.equal((await service.ask(pathOf(uri), { method: 'HEAD' })).status, 404);
});

test('the built-in picture is that of matrix-media-repo: in the middle, never enlarged, with nothing beside it', async (t) => {
  const { service, uri } = await startWithQuarantined(t, sqlite, {
    thumbnails: {
      types: ['image/jpeg'],
      sizes: [
        { width: 320, height: 240 },
        { width: 1000, height: 900 },
      ],
    },
  });
  const ask = async (query: string) => await bytesOf(await service.ask(`${pathOf(uri, 'thumbnail')}?${query}`));
  const small = await ask('width=320&height=240');
  assert.deepEqual(await colourAt(small, 20, 120), [0, 0, 0, 0]);
  assert.deepEqual(await colourAt(small, 45, 5), [255, 186, 73, 255]);
  const large = await ask('width=1000&height=900');
  const colourIn = (x: number, y: number) => colourAt(large, 150 + x, 100 + y);
  assert.deepEqual(await sizeOf(large), { width: 1000, height: 900 });
  assert.deepEqual(await colourAt(large, 149, 450), [0, 0, 0, 0]);
  for (const [x, y, colour] of [
    [0, 0, [255, 186, 73, 255]],
    [699, 699, [255, 186, 73, 255]],
    [350, 300, [190, 26, 25, 255]], // the line
    [350, 50, [190, 26, 25, 255]], // the ring
    [420, 230, [255, 255, 255, 255]], // inside of it
    [63, 640, [0, 0, 0, 255]], // the first letter
    [60, 655, [255, 186, 73, 255]], // below the text
  ] as const) {
    assert.deepEqual(await colourIn(x, y), colour, `at ${x}, ${y}`);
  }
});

for (const [format, make] of [
  ['PNG', makePng],
  ['WebP', makeWebp],
] as const) {
  test(`a ${format} of the operator stands in for quarantined media, whatever thumbnails are made of`, async (t) => {
    const thumbnailPath = join((await makeServiceFolder(t, sqlite)).path, 'picture');
    await writeFile(thumbnailPath, await make({ width: 240, height: 240 }));
    const { service, uri } = await startWithQuarantined(t, sqlite, {
      thumbnails: { types: ['image/jpeg'] },
      quarantine: { thumbnailPath },
    });
    const picture = await bytesOf(await service.ask(`${pathOf(uri, 'thumbnail')}?${SIZE}`));
    assert.deepEqual(await sizeOf(picture), { width: 320, height: 240 });
    assert.deepEqual(await colourAt(picture, 39, 120), [0, 0, 0, 0]);
    const middle = await sharp(picture).extract({ left: 40, top: 0, width: 240, height: 240 }).png().toBuffer();
    assert.deepEqual(await cornersOf(middle), UPRIGHT);
  });
}

for (const [what, thumbnailPath] of [
  ['is not there', join(import.meta.dirname, 'none')],
  ['is no picture', import.meta.filename],
] as const) {
  test(`a picture of the operator that ${what} is an error that tells nothing of the path`, async (t) => {
    const { service, uri } = await startWithQuarantined(t, sqlite, { quarantine: { thumbnailPath } });
    const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?${SIZE}`);
    const body = await answer.text();
    assert.equal(answer.status, 500);
    assert.ok(!body.includes(thumbnailPath), body);
  });
}

test('a picture that stands in is not charged to who gets it', async (t) => {
  const { service, uri } = await startWithQuarantined(t, sqlite, {
    quarantine: { replaceDownloads: true },
    rateLimit: {
      enabled: true,
      requestsPerSecond: 1000,
      burst: 1000,
      buckets: { downloads: { capacityBytes: 8000, drainBytesPerMinute: 1, overflowLimitBytes: 0 } },
    },
  });
  for (let round = 0; round < 3; round += 1) assert.equal((await service.ask(pathOf(uri))).status, 200);
});

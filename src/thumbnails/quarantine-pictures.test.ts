import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeConfig } from '../../test/config.ts';
import { createQuarantinePictures } from './quarantine-pictures.ts';

const usual = (await makeConfig()).domains.get('example.org');
assert.ok(usual);
const domain = { ...usual, quarantine: { ...usual.quarantine, replaceDownloads: true } };
const { signal } = new AbortController();
const unasked = async () => assert.fail('Nobody asks for this');

/** Pictures whose bytes tell how many have been made. */
function start() {
  const made: string[] = [];
  const state = { ms: 1_000 };
  const pictures = createQuarantinePictures({
    now: () => state.ms,
    thumbnailer: {
      untilFree: unasked,
      forDomain: () => ({
        render: unasked,
        encodeBlurhash: unasked,
        measure: unasked,
        hold: unasked,
        async place(_source, { size: { width, height } }) {
          return Buffer.from(`${made.push(`${width}x${height}`)}`);
        },
      }),
    },
  });
  const ask = async (width: number) => {
    const asked = { size: { width, height: width }, method: 'scale' } as const;
    await using opened = await pictures.forThumbnail(domain, asked, signal);
    return String(opened?.object.bytes);
  };
  return { ask, made, pictures, state };
}

test('a picture is made once for each size, however many ask, and again after five minutes', async () => {
  const { ask, made, pictures, state } = start();
  assert.deepEqual(await Promise.all([ask(96), ask(90), ask(96)]), ['1', '1', '1']);
  assert.equal(await ask(32), '2');
  await using download = await pictures.forDownload(domain, signal);
  assert.equal(String(download?.object.bytes), '3');
  for (; state.ms <= 300_000; state.ms += 60_000) assert.equal(await ask(96), '1');
  state.ms += 60_000;
  assert.equal(await ask(96), '4');
  assert.deepEqual(made, ['96x96', '32x32', '512x512', '96x96']);
});

test('pictures of equal content have equal hashes, of other content others', async () => {
  const { pictures } = start();
  await using first = await pictures.forDownload(domain, signal);
  await using same = await pictures.forDownload(domain, signal);
  const asked = { size: { width: 9, height: 9 }, method: 'crop' } as const;
  await using other = await pictures.forThumbnail(domain, asked, signal);
  assert.equal(same?.sha256, first?.sha256);
  assert.notEqual(other?.sha256, first?.sha256);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeMovingPng } from './apng.ts';
import { makeBmp, makeIcon } from './bitmaps.ts';
import { MEDIA_BOMBS, PICTURE_BOMBS } from './bombs.ts';
import { makeHeic } from './heic.ts';
import { makeJxl, packJxl } from './jxl.ts';
import { flipBits, makeAvif, makeGif, makeJpeg, makePng, makeSvg, makeTiff, makeWebp, truncate } from './pictures.ts';
import { startProcess } from './process.ts';
import { findProcessesIn, skipWithoutPrograms } from './programs.ts';
import { makePdf, makeSound, makeVideo, makeWav } from './recordings.ts';
import { ask, ENGINES, makeServiceFolder, pathOf, uploadBytes } from './service.ts';

const shape = { width: 180, height: 120 };
const tone = { seconds: 0.2, channels: [(seconds: number) => Math.sin(2000 * seconds)] };
const SOUND: Readonly<Record<string, () => Buffer | Promise<Buffer>>> = {
  JPEG: () => makeJpeg({ ...shape, orientation: 6, withGps: true }),
  PNG: () => makePng({ ...shape, alpha: true, bits: 16 }),
  APNG: () => makeMovingPng({ ...shape, frames: 3 }),
  GIF: () => makeGif({ ...shape, frames: 3 }),
  WebP: () => makeWebp({ ...shape, frames: 3 }),
  AVIF: () => makeAvif(shape),
  HEIC: () => makeHeic({ ...shape, alpha: true }),
  'JPEG XL': async () => packJxl(await makeJxl(shape), 100),
  TIFF: () => makeTiff(shape),
  BMP: () => makeBmp({ ...shape, bits: 8, runs: 'mixed' }),
  icon: () => makeIcon([shape, { ...shape, png: true }]),
  SVG: () => makeSvg(shape),
  PDF: () => makePdf(shape),
  MP4: () => makeVideo('mp4', shape),
  WebM: () => makeVideo('webm', shape),
  MKV: () => makeVideo('mkv', shape),
  MOV: () => makeVideo('mov', shape),
  MP3: async () => makeSound('mp3', tone, await makePng({ width: 40, height: 40 })),
  FLAC: () => makeSound('flac', tone),
  OGG: () => makeSound('ogg', tone),
  Opus: () => makeSound('opus', tone),
  WAV: () => makeWav(tone),
  M4A: () => makeSound('m4a', tone),
};
const FLIPS = 3;

/** Files that ask for another one, in every way that their formats know. */
function* makeReferring(address: string): Generator<readonly [what: string, bytes: Buffer]> {
  const svg = (inside: string, before = '') =>
    Buffer.from(
      `${before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99" height="99">${inside}<rect width="9" height="9"/></svg>`,
    );
  for (const target of [address, 'file:///etc/passwd', '/dev/zero']) {
    yield [`an SVG with a picture at ${target}`, svg(`<image xlink:href="${target}" width="9" height="9"/>`)];
    yield [`an SVG that uses ${target}`, svg(`<use href="${target}#a"/>`)];
    yield [`an SVG with a style sheet at ${target}`, svg(`<style>@import url("${target}");</style>`)];
    yield [`an SVG with a font at ${target}`, svg(`<style>@font-face{font-family:a;src:url(${target})}</style>`)];
    yield [`an SVG with a filter at ${target}`, svg(`<filter id="f"><feImage href="${target}"/></filter>`)];
    yield [
      `an SVG of the entity ${target}`,
      svg('<text>&a;</text>', `<!DOCTYPE svg [<!ENTITY a SYSTEM "${target}">]>`),
    ];
    yield [`an SVG of the type ${target}`, svg('', `<!DOCTYPE svg SYSTEM "${target}">`)];
    yield [
      `an SVG that includes ${target}`,
      svg(`<include xmlns="http://www.w3.org/2001/XInclude" href="${target}"/>`),
    ];
    yield [`a playlist of ${target}`, Buffer.from(`#EXTM3U\n#EXTINF:1,\n${target}\n#EXT-X-ENDLIST\n`)];
    yield [`a concatenation of ${target}`, Buffer.from(`ffconcat version 1.0\nfile '${target}'\n`)];
    const action = `/Type /Catalog /OpenAction << /S /URI /URI (${target}) >>`;
    const pdf = makePdf(shape).toString('latin1').replace('/Type /Catalog', action);
    yield [`a PDF that opens ${target}`, Buffer.from(pdf, 'latin1')];
  }
}

async function* makeFiles(address: string): AsyncGenerator<readonly [what: string, bytes: Buffer]> {
  for (const [format, make] of Object.entries(SOUND)) {
    const bytes = await make();
    for (let tenths = 1; tenths < 10; tenths += 1) {
      yield [`${format} that ends after ${tenths} tenths`, truncate(bytes, tenths / 10)];
    }
    for (let seed = 1; seed <= FLIPS; seed += 1) {
      yield [`${format} with bits flipped, ${seed}`, flipBits(bytes, seed, 4 * seed)];
    }
  }
  for (const [what, make] of Object.entries({ ...PICTURE_BOMBS, ...MEDIA_BOMBS })) yield [what, await make()];
  yield* makeReferring(address);
}

const WORKERS = 2;
const CLIENTS = 4;
/** The limit of a program's or a decoder's run, and as much again for those before it and a busy machine. */
const MAX_ANSWER_MS = 120_000;
/** Of the service alone; its budget under load. */
const MAX_SERVICE_BYTES = 300 * 1024 ** 2;

test('hundreds of hostile files of all formats each end in an answer, and leave nothing behind', {
  skip: skipWithoutPrograms(),
}, async (t) => {
  const [engine] = ENGINES;
  const tempPath = await mkdtemp(join(tmpdir(), 'vitrine-corpus-'));
  t.after(() => rm(tempPath, { recursive: true, force: true }));
  let fetched = 0;
  const listener = createServer((_, response) => {
    fetched += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await once(listener, 'listening');
  const address = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/fetched`;
  const folder = await makeServiceFolder(t, engine, {
    repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
    thumbnails: {
      types: ['image/*', 'video/*', 'audio/*', 'application/pdf'],
      numWorkers: WORKERS,
      maxSourceBytes: 50_000_000,
      tempPath,
    },
  });
  const service = await startProcess(t, folder);
  const pid = service.child.pid ?? 0;
  const asking = (path: string, init?: RequestInit) => ask(service.url, path, init);

  const tryFile = async (what: string, bytes: Buffer): Promise<void> => {
    // Any listed type will do: what decodes a file, its content decides.
    const uri = await uploadBytes(asking, bytes, { type: 'image/png' });
    const init = { signal: AbortSignal.timeout(MAX_ANSWER_MS) };
    const response = await asking(`${pathOf(uri, 'thumbnail')}?width=96&height=96&animated=true`, init);
    await response.arrayBuffer();
    assert.ok([200, 400, 413].includes(response.status), `${what}: ${response.status}`);
  };
  const files = makeFiles(address);
  let tried = 0;
  const clients = Array.from({ length: CLIENTS }, async () => {
    for (let next = await files.next(); !next.done; next = await files.next()) {
      await tryFile(...next.value);
      tried += 1;
    }
  });
  await Promise.all(clients);

  assert.ok(tried >= 200, `only ${tried} files`);
  t.diagnostic(`${tried} files`);
  assert.equal(fetched, 0, 'something was fetched');
  assert.deepEqual([await readdir(tempPath), await findProcessesIn(tempPath)], [[], []]);
  const workers = await findChildren(pid);
  assert.ok(workers.length <= WORKERS, `${workers.length} children`);
  const bytes = await readResidentBytes(pid);
  t.diagnostic(`${Math.round(bytes / 1024 ** 2)} MiB`);
  assert.ok(bytes < MAX_SERVICE_BYTES, `the service holds ${bytes} bytes`);

  const uri = await uploadBytes(asking, await makePng({ width: 200, height: 200 }), { type: 'image/png' });
  assert.equal((await asking(`${pathOf(uri, 'thumbnail')}?width=96&height=96`)).status, 200);
  const last = await findChildren(pid);
  await service.kill('SIGTERM');
  for (const worker of last) assert.throws(() => process.kill(Number(worker), 0), { code: 'ESRCH' });
});

async function findChildren(pid: number): Promise<readonly string[]> {
  const lists = (await readdir(`/proc/${pid}/task`)).map((task) =>
    readFile(`/proc/${pid}/task/${task}/children`, 'utf8'),
  );
  return (await Promise.all(lists)).flatMap((list) => list.split(' ').filter((child) => child !== ''));
}

async function readResidentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

// Hot downloads while all thumbnail workers are busy with pictures that nobody has asked for before.
import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { pacedLoad } from './paced-load.ts';
import { median, percentile, report } from './report.ts';
import { startService } from './service.ts';

const ROUNDS = 5;
const SECONDS = 3;
const HOT = { connections: 20, requestsPerSecond: 400, seconds: SECONDS, status: 200 };
const HOT_BYTES = 20_000;
/** Of clients that wait for a cold thumbnail, always. */
const COLD_ASKERS = 16;
const PICTURES = 40;
const HEADERS = { host: SERVER_NAME, authorization: `Bearer ${TOKEN}` };
const FETCH_HEADERS = { 'x-forwarded-host': SERVER_NAME, authorization: `Bearer ${TOKEN}` };

async function upload(url: string, bytes: Uint8Array, type: string): Promise<string> {
  const answer = await fetch(`${url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { ...FETCH_HEADERS, 'content-type': type },
    body: new Uint8Array(bytes),
  });
  const { content_uri } = (await answer.json()) as { content_uri: string };
  return content_uri.slice('mxc://'.length);
}

/** Large enough for many different thumbnails, none of which is made of another. */
function* coldPaths(pictures: readonly string[]): Generator<string, undefined> {
  for (let side = 790; side > 0; side -= 1) {
    for (const picture of pictures) {
      yield `/_matrix/client/v1/media/thumbnail/${picture}?width=${side}&height=${side}&method=scale`;
    }
  }
}

/** Keeps all workers busy until the signal aborts. @returns how many thumbnails were made meanwhile */
async function askForCold(url: string, paths: Iterator<string, undefined>, signal: AbortSignal): Promise<number> {
  let made = 0;
  const ask = async () => {
    for (let next = paths.next(); !next.done && !signal.aborted; next = paths.next()) {
      const answer = await fetch(url + next.value, { headers: FETCH_HEADERS, signal }).catch(() => undefined);
      await answer?.arrayBuffer().catch(() => undefined);
      if (answer?.status === 200) made += 1;
      else if (!signal.aborted) throw new Error(`A thumbnail was answered ${answer?.status}`);
    }
  };
  await Promise.all(Array.from({ length: COLD_ASKERS }, ask));
  return made;
}

const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
const picture = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#468', noise } })
  .blur(1.2)
  .jpeg({ quality: 85 })
  .toBuffer();
await using folder = await makeBenchFolder({
  repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
  thumbnails: { types: ['image/jpeg'], dynamicSizing: true },
});
await using service = await startService(folder.configPath);
const hot = await upload(service.url, randomBytes(HOT_BYTES), 'application/octet-stream');
const pictures: string[] = [];
// What follows the end of a JPEG makes another file of it, and the same picture.
for (let n = 0; n < PICTURES; n += 1) {
  pictures.push(await upload(service.url, Buffer.concat([picture, randomBytes(16)]), 'image/jpeg'));
}
const measure = async () =>
  percentile(
    await pacedLoad(service.url, `/_matrix/client/v1/media/download/${hot}`, { ...HOT, headers: HEADERS }),
    99,
  );

const cold = coldPaths(pictures);
let made = 0;
const measureBesideCold = async () => {
  const over = new AbortController();
  const busy = askForCold(service.url, cold, over.signal);
  try {
    return await measure();
  } finally {
    over.abort();
    made += await busy;
  }
};

// The first of each warms up all that is measured, and what measures it.
await measure();
await measureBesideCold();
const idle: number[] = [];
const beside: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  idle.push(await measure());
  beside.push(await measureBesideCold());
}
if (made < ROUNDS * SECONDS) throw new Error(`Only ${made} thumbnails were made: the workers were not busy`);
report({
  name: 'p99 of hot downloads beside cold thumbnails, share of idle',
  value: median(beside) / median(idle),
  unit: '×',
  target: { atMost: 3 },
});

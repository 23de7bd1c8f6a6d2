// Durable uploads of 1 MB, 16 at a time, against plain files that are written and synced at the same concurrency.

import { open } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { median, report } from './report.ts';
import { startService } from './service.ts';
import { uploadStream } from './upload.ts';

const FILES = 320;
const AT_ONCE = 16;
const FILE_BYTES = 1_000_000;
const CHUNK = Buffer.alloc(65_536, 'vitrine');
let serial = 0;

async function eachAtOnce(work: (name: string) => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  let started = 0;
  const worker = async () => {
    while (started++ < FILES) {
      serial += 1;
      await work(`file ${serial} `);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return FILES / (performance.now() - startedMs);
}

await using folder = await makeBenchFolder();
await using service = await startService(folder.configPath);
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
const ratios: number[] = [];
const whole = Buffer.alloc(FILE_BYTES, 'vitrine');
for (let run = 0; run < 3; run += 1) {
  const plain = await eachAtOnce(async (name) => {
    const file = await open(join(folder.path, name), 'w');
    await file.write(whole);
    await file.sync();
    await file.close();
  });
  const uploads = await eachAtOnce((first) =>
    uploadStream(service.url, { host: SERVER_NAME, token: TOKEN, sizeBytes: FILE_BYTES, chunk: CHUNK, first, agent }),
  );
  ratios.push(uploads / plain);
}
agent.destroy();
report({
  name: 'upload 1 MB, 16 at once, share of write + fsync',
  value: median(ratios),
  unit: '×',
  target: { atLeast: 0.5 },
});

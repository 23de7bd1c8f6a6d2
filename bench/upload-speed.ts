// Durable uploads of 1 MB, 16 at a time, against plain files that are written and synced at the same concurrency.

import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { median, report } from './report.ts';
import { startService } from './service.ts';

const FILES = 320;
const AT_ONCE = 16;
const FILE_BYTES = 1_000_000;
const RUNS = 5;
const whole = Buffer.alloc(FILE_BYTES, 'vitrine');
let serial = 0;

/** @returns files a millisecond. @param work of each of those who work at once */
async function eachAtOnce(work: readonly ((name: string) => Promise<void>)[]): Promise<number> {
  const startedMs = performance.now();
  let started = 0;
  const workOn = async (doOne: (name: string) => Promise<void>) => {
    while (started++ < FILES) {
      serial += 1;
      await doOne(`file ${serial} `);
    }
  };
  await Promise.all(work.map(workOn));
  return FILES / (performance.now() - startedMs);
}

/** A connection that uploads one file after the other, and costs next to nothing itself. */
async function openUploader(url: string): Promise<{ upload: (first: string) => Promise<void>; socket: Socket }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const head = `POST /_matrix/media/v3/upload HTTP/1.1\r\nhost: ${SERVER_NAME}\r\nauthorization: Bearer ${TOKEN}\r\n`;
  return {
    socket,
    async upload(first) {
      socket.write(`${head}content-length: ${FILE_BYTES}\r\n\r\n${first}`, 'latin1');
      socket.write(whole.subarray(first.length));
      let answer = '';
      while (!answer.endsWith('"}')) {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        answer += chunk.toString('latin1');
      }
      if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`An upload was answered ${answer}`);
    },
  };
}

await using folder = await makeBenchFolder();
await using service = await startService(folder.configPath);
const writePlainly = async (name: string) => {
  const file = await open(join(folder.path, name), 'w');
  await file.write(whole);
  await file.sync();
  await file.close();
};
const uploaders = await Promise.all(Array.from({ length: AT_ONCE }, () => openUploader(service.url)));
await eachAtOnce(uploaders.map(({ upload }) => upload)); // until the code is compiled
const ratios: number[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const plain = await eachAtOnce(Array.from({ length: AT_ONCE }, () => writePlainly));
  const uploads = await eachAtOnce(uploaders.map(({ upload }) => upload));
  ratios.push(uploads / plain);
}
for (const { socket } of uploaders) socket.destroy();
report({
  name: 'upload 1 MB, 16 at once, share of write + fsync',
  value: median(ratios),
  unit: '×',
  target: { atLeast: 0.5 },
});

// Memory with 200 clients that each read one large file at their own slow pace.
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { report } from './report.ts';
import { peakResidentMb, startService } from './service.ts';
import { uploadStream } from './upload.ts';

const READERS = 200;
const FILE_BYTES = 1_000_000_000;
const SECONDS = 10;
const EACH_MS = 500;

/** Takes what has come, twice a second, and lets the rest wait. */
function readSlowly(url: URL, path: string): Socket {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${SERVER_NAME}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  socket.on('data', () => {
    socket.pause();
    globalThis.setTimeout(() => socket.resume(), EACH_MS).unref();
  });
  return socket;
}

await using folder = await makeBenchFolder({ uploads: { maxBytes: 2 * FILE_BYTES } });
{
  await using service = await startService(folder.configPath);
  await uploadStream(service.url, {
    host: SERVER_NAME,
    token: TOKEN,
    sizeBytes: FILE_BYTES,
    chunk: Buffer.alloc(65_536, 'vitrine'),
    first: 'large',
  });
}
await using service = await startService(folder.configPath);
const { DatabaseSync } = await import('node:sqlite');
const database = new DatabaseSync(`${folder.path}/vitrine.db`, { readOnly: true });
const mediaId = String(database.prepare('SELECT media_id FROM media').get()?.['media_id']);
database.close();
const path = `/_matrix/client/v1/media/download/${SERVER_NAME}/${mediaId}`;
const readers = Array.from({ length: READERS }, () => readSlowly(new URL(service.url), path));
await setTimeout(SECONDS * 1000);
const reading = readers.filter((socket) => !socket.destroyed && socket.bytesRead > 100_000).length;
if (reading < READERS) throw new Error(`${READERS - reading} readers were cut off or got nothing`);
const peak = await peakResidentMb(service.pid);
for (const socket of readers) socket.destroy();
report({ name: `${READERS} slow readers of 1 GB, resident`, value: peak, unit: 'MB', target: { atMost: 300 } });

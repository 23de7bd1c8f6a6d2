// 100 uploads of 100 MB at once: what the main process has resident at most.
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { report } from './report.ts';
import { peakResidentMb, startService } from './service.ts';
import { uploadStream } from './upload.ts';

const UPLOADS = 100;
const UPLOAD_BYTES = 100_000_000;
const CHUNK = Buffer.alloc(65_536, 'vitrine');

await using folder = await makeBenchFolder();
await using service = await startService(folder.configPath);
const startedMs = performance.now();
await Promise.all(
  Array.from({ length: UPLOADS }, (_, index) =>
    uploadStream(service.url, {
      host: SERVER_NAME,
      token: TOKEN,
      sizeBytes: UPLOAD_BYTES,
      chunk: CHUNK,
      first: `upload ${index} `,
    }),
  ),
);
const seconds = (performance.now() - startedMs) / 1000;
process.stdout.write(`(${UPLOADS} × ${UPLOAD_BYTES / 1e6} MB in ${seconds.toFixed(0)} s)\n`);
report({
  name: 'memory, 100 concurrent uploads of 100 MB',
  value: await peakResidentMb(service.pid),
  unit: 'MB',
  target: { atMost: 300 },
});

// A 12 MP JPEG to 800×600 through the worker pool, against libvips in this process.
import pino from 'pino';
import sharp from 'sharp';
import { createThumbnailer } from '../src/thumbnails/index.ts';
import { median, report } from './report.ts';

const RUNS = 15;
const size = { width: 800, height: 600 };
const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
const source = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#468', noise } })
  .jpeg({ quality: 85 })
  .toBuffer();

await using thumbnailer = createThumbnailer({ log: pino({ enabled: false }), maxWorkers: 1 });
const { signal } = new AbortController();
const job = {
  size,
  method: 'scale',
  animated: false,
  stillFrame: 0.5,
  formats: ['jpeg'],
  maxPixels: 32_000_000,
} as const;
await thumbnailer.render(source, job, signal); // starts the worker
sharp.concurrency(1);
const ratios: number[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const started = performance.now();
  await sharp(source).resize(size.width, size.height, { fit: 'inside' }).jpeg({ quality: 90 }).toBuffer();
  const between = performance.now();
  await thumbnailer.render(source, job, signal);
  ratios.push((performance.now() - between) / (between - started));
}
report({
  name: '12 MP JPEG to 800×600, share of libvips time',
  value: median(ratios),
  unit: '×',
  target: { atMost: 1.3 },
});

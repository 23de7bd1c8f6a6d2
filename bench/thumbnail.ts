// Batches of pictures through the worker pool, against libvips' own tool, which makes each batch in one process.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import sharp from 'sharp';
import { createThumbnailer, type Size } from '../src/thumbnails/index.ts';
import { median, report } from './report.ts';
import { peakResidentMb } from './service.ts';

const ROUNDS = 3;
const CORES = availableParallelism();
const LIMITS = { formats: ['jpeg', 'png', 'gif'], maxPixels: 32_000_000 } as const;

/** Noise that is soft enough for the files to be as large as those of cameras. */
function draw(width: number, height: number) {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
  return sharp({ create: { width, height, channels: 3, background: '#468', noise } }).blur(1.2);
}

async function makeAnimation(frames: number, width: number, height: number): Promise<Buffer> {
  const base = await draw(width, height).raw().toBuffer();
  const turned = Array.from({ length: frames }, (_, index) =>
    Buffer.concat([base.subarray(index * width * 3), base.subarray(0, index * width * 3)]),
  );
  return await sharp(Buffer.concat(turned), {
    raw: { width, height: height * frames, channels: 3, pageHeight: height },
  })
    .gif({ effort: 1 })
    .toBuffer();
}

interface Case {
  readonly name: string;
  readonly source: Buffer;
  readonly files: number;
  readonly size: Size;
  readonly method: 'scale' | 'crop';
  readonly animated: boolean;
  /** Of `vipsthumbnail`, to make the same. */
  readonly output: string;
}

const cases: readonly Case[] = [
  {
    name: '12 MP JPEG to 800×600',
    source: await draw(4000, 3000).jpeg({ quality: 85 }).toBuffer(),
    files: 16,
    size: { width: 800, height: 600 },
    method: 'scale',
    animated: false,
    output: 'out-%s.jpg[Q=90,strip]',
  },
  {
    name: '20 MP JPEG to 96×96, cropped',
    source: await draw(5472, 3648).jpeg({ quality: 85 }).toBuffer(),
    files: 16,
    size: { width: 96, height: 96 },
    method: 'crop',
    animated: false,
    output: 'out-%s.jpg[Q=90,strip]',
  },
  {
    name: '1080p PNG to 320×240',
    source: await draw(1920, 1080).png().toBuffer(),
    files: 16,
    size: { width: 320, height: 240 },
    method: 'scale',
    animated: false,
    output: 'out-%s.png[strip]',
  },
  {
    name: 'GIF of 60 frames to 320×240, animated',
    source: await makeAnimation(60, 480, 270),
    files: 6,
    size: { width: 320, height: 240 },
    method: 'scale',
    animated: true,
    output: 'out-%s.webp[Q=80,effort=2,strip]',
  },
];

async function timeOf(work: () => Promise<void> | void): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function runVips(folder: string, { files, size, method, animated, output }: Case): void {
  const names = Array.from({ length: files }, (_, index) => join(folder, `${index}${animated ? '[n=-1]' : ''}`));
  const crop = method === 'crop' ? ['--smartcrop', 'centre'] : [];
  const args = ['--size', `${size.width}x${size.height}`, ...crop, '--output', join(folder, output), ...names];
  execFileSync('vipsthumbnail', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function isInstalled(): boolean {
  try {
    execFileSync('vipsthumbnail', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

if (!isInstalled()) throw new Error('vipsthumbnail is missing; Debian has it in libvips-tools');
const folder = await mkdtemp(join(tmpdir(), 'vitrine-bench-'));
try {
  await using thumbnailer = createThumbnailer({ log: pino({ enabled: false }), maxWorkers: CORES });
  const { signal } = new AbortController();
  for (const one of cases) {
    const { name, source, files, size, method, animated } = one;
    for (let index = 0; index < files; index += 1) await writeFile(join(folder, `${index}`), source);
    const job = { size, method, animated, stillFrame: 0, ...LIMITS };
    const runPool = async () => {
      await Promise.all(Array.from({ length: files }, () => thumbnailer.render(source, job, signal)));
    };
    await runPool(); // starts the workers
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const vips = await timeOf(() => runVips(folder, one));
      ratios.push((await timeOf(runPool)) / vips);
    }
    report({ name: `${name}, share of libvips' time`, value: median(ratios), unit: '×', target: { atMost: 1.3 } });
  }
} finally {
  await rm(folder, { recursive: true });
}

/** Of a worker that has made a thumbnail of one large picture. */
async function peakMbOf(source: Buffer): Promise<number> {
  await using thumbnailer = createThumbnailer({ log: pino({ enabled: false }), maxWorkers: 1 });
  const job = { size: { width: 800, height: 600 }, method: 'scale', animated: false, stillFrame: 0 } as const;
  await thumbnailer.render(source, { ...job, ...LIMITS, maxPixels: 60_000_000 }, new AbortController().signal);
  return await peakResidentMb(thumbnailer.workerPids[0] ?? 0);
}

const large = draw(8660, 5774);
for (const [format, source] of [
  ['JPEG', await large.clone().jpeg({ quality: 85, progressive: true }).toBuffer()],
  ['PNG', await large.clone().png({ compressionLevel: 1 }).toBuffer()],
] as const) {
  report({
    name: `memory of a worker, ${format} of 50 MP`,
    value: await peakMbOf(source),
    unit: 'MB',
    target: { atMost: 400 },
  });
}

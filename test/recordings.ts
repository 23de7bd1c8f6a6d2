import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { frameOf, makeGif, makePng, type PictureShape } from './pictures.ts';

/** What a file's name ends in, for which ffmpeg chooses container and codecs. */
export type VideoFile = 'mp4' | 'mov' | 'mkv' | 'webm' | 'ogv';
export type SoundFile = 'mp3' | 'flac' | 'ogg' | 'opus' | 'wav' | 'm4a' | 'aac' | 'mka';

const FRAMES_PER_SECOND = 10;

/** In order; the upright one has the corners of `UPRIGHT`, the other those of `UPSIDE_DOWN`. */
export type FrameKind = 'upright' | 'upside down';

/** @param shape `turned`: the pixels are stored as a telephone does that is held upright */
export async function makeVideo(
  file: VideoFile,
  shape: PictureShape & {
    readonly frames?: readonly FrameKind[];
    readonly turned?: boolean;
    readonly withSound?: boolean;
    readonly more?: readonly string[];
  },
): Promise<Buffer> {
  const {
    frames = Array<FrameKind>(FRAMES_PER_SECOND).fill('upright'),
    turned = false,
    withSound = false,
    more = [],
  } = shape;
  const size = { width: shape.width, height: shape.height };
  const pictures: Readonly<Record<FrameKind, Buffer>> = {
    upright: await (turned ? frameOf(await makePng({ ...size, orientation: 6 }), 0) : makePng(size)),
    'upside down': await frameOf(await makeGif({ ...size, frames: 2 }), 1),
  };
  const input = Buffer.concat(frames.map((kind) => pictures[kind]));
  const video = await runFfmpeg(
    [
      ...['-f', 'image2pipe', '-framerate', String(FRAMES_PER_SECOND), '-c:v', 'png', '-i', 'pipe:0'],
      ...(withSound ? ['-f', 'lavfi', '-i', 'sine=duration=1'] : []),
    ],
    ['-pix_fmt', 'yuv420p', ...(file === 'webm' ? ['-c:v', 'libvpx-vp9', '-deadline', 'realtime'] : []), ...more],
    file,
    input,
  );
  return turned ? turnRight(video) : video;
}

/** Makes players turn the first track by a quarter to the right. ISO/IEC 14496-12, section 8.3.2 ("tkhd"). */
function turnRight(mp4: Buffer): Buffer {
  const turned = Buffer.from(mp4);
  const matrix = turned.indexOf('tkhd') + 4 + 40;
  [0, 0x1_0000, 0, -0x1_0000, 0, 0, 0, 0, 0x4000_0000].forEach((value, index) => {
    turned.writeInt32BE(value, matrix + 4 * index);
  });
  return turned;
}

export interface SoundShape {
  readonly seconds: number;
  /** 44,100 if it is not given. */
  readonly sampleRate?: number;
  /** For each channel: what it plays at a time in seconds, from -1 to 1. */
  readonly channels: readonly ((seconds: number) => number)[];
}

/** 16 bits a sample. */
export function makeWav({ seconds, sampleRate = 44_100, channels }: SoundShape): Buffer {
  const samples = Math.round(seconds * sampleRate);
  const frameBytes = 2 * channels.length;
  const wav = Buffer.alloc(44 + samples * frameBytes);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(channels.length, 22);
  wav.writeUInt32LE(sampleRate, 24);
  wav.writeUInt32LE(sampleRate * frameBytes, 28);
  wav.writeUInt16LE(frameBytes, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(samples * frameBytes, 40);
  for (let index = 0; index < samples; index += 1) {
    channels.forEach((play, channel) => {
      wav.writeInt16LE(Math.round(32_767 * play(index / sampleRate)), 44 + index * frameBytes + 2 * channel);
    });
  }
  return wav;
}

/** @param cover a PNG that the file carries */
export async function makeSound(file: SoundFile, shape: SoundShape, cover?: Buffer): Promise<Buffer> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'vitrine-cover-'));
  const path = join(folder.path, 'cover.png');
  if (cover !== undefined) await writeFile(path, cover);
  const withCover = ['-i', path, '-map', '0:a', '-map', '1:v', '-c:v', 'copy', '-disposition:v:0', 'attached_pic'];
  return await runFfmpeg(['-f', 'wav', '-i', 'pipe:0'], cover === undefined ? [] : withCover, file, makeWav(shape));
}

async function runFfmpeg(
  input: readonly string[],
  output: readonly string[],
  file: string,
  stdin: Buffer,
): Promise<Buffer> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'vitrine-recording-'));
  const path = join(folder.path, `out.${file}`);
  const ffmpeg = spawn('ffmpeg', ['-v', 'error', ...input, ...output, '-threads', '1', path], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  ffmpeg.stdin.end(stdin);
  const [code] = await once(ffmpeg, 'close');
  if (code !== 0) throw new Error(`ffmpeg made no ${file}`);
  return await readFile(path);
}

/** One page of 72 points an inch: red and green above, blue and yellow below, as in `UPRIGHT`. */
export function makePdf({ width, height, rotate = 0 }: PictureShape & { readonly rotate?: number }): Buffer {
  const corners: readonly (readonly [colour: string, x: number, y: number])[] = [
    ['0.9 0.08 0.08', 0, 1],
    ['0.08 0.78 0.08', 1, 1],
    ['0.08 0.08 0.9', 0, 0],
    ['0.9 0.86 0.08', 1, 0],
  ];
  const drawn = corners
    .map(([colour, x, y]) => `${colour} rg ${(x * width) / 2} ${(y * height) / 2} ${width / 2} ${height / 2} re f`)
    .join('\n');
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Rotate ${rotate} /Contents 4 0 R >>`,
    `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`,
  ];
  const parts = ['%PDF-1.4\n'];
  const places = objects.map((object, index) => {
    const place = parts.join('').length;
    parts.push(`${index + 1} 0 obj\n${object}\nendobj\n`);
    return `${String(place).padStart(10, '0')} 00000 n \n`;
  });
  const table = parts.join('').length;
  parts.push(`xref\n0 5\n0000000000 65535 f \n${places.join('')}trailer << /Size 5 /Root 1 0 R >>\n`);
  parts.push(`startxref\n${table}\n%%EOF\n`);
  return Buffer.from(parts.join(''), 'latin1');
}

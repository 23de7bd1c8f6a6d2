import type { Size } from '../choose-size.ts';

/** What the headers of a file tell, as far as it can be believed. */
export interface Probe {
  /** In seconds; `undefined` where the file does not say. */
  readonly duration: number | undefined;
  /** The first stream of moving pictures. The size is what a player shows: upright, with square pixels. */
  readonly video: ({ readonly stream: number } & Size) | undefined;
  /** A picture that goes with the sound. */
  readonly cover: ({ readonly stream: number } & Size) | undefined;
  readonly audio: { readonly stream: number; readonly sampleRate: number; readonly channels: number } | undefined;
}

const MAX_SIDE = 2 ** 31;
const MAX_SAMPLE_RATE = 1_000_000;
const MAX_CHANNELS = 64;

/** The arguments by which ffprobe tells what {@link parseProbe} reads. */
export const PROBE_OUTPUT: readonly string[] = [
  '-show_entries',
  [
    'format=duration',
    'stream=index,codec_type,width,height,sample_aspect_ratio,sample_rate,channels',
    'stream_tags=rotate',
    'stream_side_data=rotation',
    'stream_disposition=attached_pic',
  ].join(':'),
  '-of',
  'json=compact=1',
];

/** @returns `undefined` for what ffprobe would not say */
export function parseProbe(json: string): Probe | undefined {
  let told: unknown;
  try {
    told = JSON.parse(json);
  } catch {
    return undefined; // it has ended in the middle
  }
  const streams = listOf(told, 'streams');
  const ofType = (type: string, isCover: boolean) =>
    streams.filter(
      (stream) =>
        fieldOf(stream, 'codec_type') === type &&
        (numberOf(fieldOf(stream, 'disposition'), 'attached_pic') === 1) === isCover,
    );
  return {
    duration: within(numberOf(fieldOf(told, 'format'), 'duration'), 0, Number.MAX_VALUE),
    video: firstOf(ofType('video', false), asPicture),
    cover: firstOf(ofType('video', true), asPicture),
    audio: firstOf(ofType('audio', false), asSound),
  };
}

function firstOf<T>(streams: readonly unknown[], read: (stream: unknown) => T | undefined): T | undefined {
  return streams.map(read).find((stream) => stream !== undefined);
}

function asPicture(told: unknown): Probe['video'] {
  const stream = within(numberOf(told, 'index'), 0, MAX_SIDE);
  const width = within(numberOf(told, 'width'), 1, MAX_SIDE);
  const height = within(numberOf(told, 'height'), 1, MAX_SIDE);
  if (stream === undefined || width === undefined || height === undefined) return undefined;
  const size = withSquarePixels({ width, height }, fieldOf(told, 'sample_aspect_ratio'));
  const isTurned = Math.abs(readRotation(told)) % 180 === 90;
  return { stream, width: isTurned ? size.height : size.width, height: isTurned ? size.width : size.height };
}

/** As players do it, the picture is stretched, never shrunk. */
function withSquarePixels({ width, height }: Size, ratio: unknown): Size {
  const [across = 0, down = 0] = String(ratio).split(':').map(Number);
  if (!(across > 0 && down > 0)) return { width, height };
  return across >= down
    ? { width: Math.round((width * across) / down), height }
    : { width, height: Math.round((height * down) / across) };
}

/** In degrees; cameras store pictures as the sensor saw them. The tag is what ffprobe told before version 5. */
function readRotation(stream: unknown): number {
  const angles = listOf(stream, 'side_data_list').map((data) => numberOf(data, 'rotation'));
  return angles.find((angle) => angle !== undefined) ?? numberOf(fieldOf(stream, 'tags'), 'rotate') ?? 0;
}

function asSound(told: unknown): Probe['audio'] {
  const stream = within(numberOf(told, 'index'), 0, MAX_SIDE);
  const sampleRate = within(numberOf(told, 'sample_rate'), 1, MAX_SAMPLE_RATE);
  const channels = within(numberOf(told, 'channels'), 1, MAX_CHANNELS);
  if (stream === undefined || sampleRate === undefined || channels === undefined) return undefined;
  return { stream, sampleRate, channels };
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function listOf(value: unknown, key: string): readonly unknown[] {
  const list = fieldOf(value, key);
  return Array.isArray(list) ? list : [];
}

/** ffprobe writes some numbers as texts. */
function numberOf(value: unknown, key: string): number | undefined {
  const field = fieldOf(value, key);
  const number = typeof field === 'string' && field !== '' ? Number(field) : field;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

import type { Demuxer } from './container.ts';
import { SOURCE_NAME } from './source-folder.ts';

/**
 * What people send each other, and what films have beside it: every other decoder of the hundreds there are stays out of reach.
 */
const DECODERS = [
  ...['h264', 'hevc', 'vp8', 'vp9', 'libdav1d', 'libaom-av1', 'av1', 'mpeg4', 'mpeg2video', 'h263', 'theora', 'prores'],
  ...['mjpeg', 'png', 'gif', 'bmp', 'webp'], // covers
  ...['aac', 'alac', 'mp3float', 'mp3', 'mp2float', 'mp2', 'flac', 'vorbis', 'opus', 'ac3', 'eac3', 'dca', 'truehd'],
  ...['amrnb', 'amrwb', 'pcm_u8', 'pcm_alaw', 'pcm_mulaw', 'adpcm_ms', 'adpcm_ima_wav', 'adpcm_ima_qt'],
  ...['pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_f32le', 'pcm_f64le', 'pcm_s16be', 'pcm_s24be', 'pcm_s32be'],
  ...['mov_text', 'subrip', 'srt', 'ass', 'ssa', 'webvtt', 'dvdsub', 'pgssub', 'cc_dec'], // ffprobe gives up on a file otherwise
].join();

/**
 * The input of ffprobe and ffmpeg: one file, by one demuxer that the file cannot choose, which may open nothing else.
 * @param own options of this input that stand before it, such as where to begin
 */
export function inputArguments(demuxer: Demuxer, own: readonly string[] = []): string[] {
  return [
    ...['-v', 'error', '-hide_banner', '-threads', '1'],
    ...['-protocol_whitelist', 'file,pipe', '-format_whitelist', demuxer, '-codec_whitelist', DECODERS],
    ...['-f', demuxer],
    ...(demuxer === 'mov' ? ['-enable_drefs', '0', '-use_absolute_path', '0'] : []),
    ...own,
    ...['-i', `file:${SOURCE_NAME}`],
  ];
}

/** ffmpeg knows no larger number for it. */
const MAX_PIXELS = 2 ** 31 - 1;

/** An option of the input: the decoder stops at pictures that are larger, whatever the headers of the file have said. */
export function pixelLimit(maxPixels: number): readonly string[] {
  return ['-max_pixels', String(Math.min(maxPixels, MAX_PIXELS))];
}

/** One stream of the input, through one chain of filters, to the standard output. */
export function ffmpegArguments(
  demuxer: Demuxer,
  asked: {
    readonly input?: readonly string[];
    readonly stream: number;
    readonly filters: string;
    readonly output: readonly string[];
  },
): string[] {
  return [
    ...['-nostdin', '-filter_threads', '1'],
    ...inputArguments(demuxer, asked.input),
    ...['-map', `0:${asked.stream}`, '-map_metadata', '-1', '-threads', '1'],
    ...['-filter:0', asked.filters],
    ...asked.output,
    'pipe:1',
  ];
}

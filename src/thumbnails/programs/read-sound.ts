import { BadRequest } from '../../matrix/index.ts';
import type { Demuxer } from './container.ts';
import { ffmpegArguments } from './ffmpeg-arguments.ts';
import type { Probe } from './probe.ts';
import { SoundSamples } from './sound-samples.ts';
import type { Workbench } from './workbench.ts';

/** A day of stereo in studio quality. */
const MAX_PCM_BYTES = 4 * 48_000 * 86_400;

/**
 * Decodes a whole sound, as it streams by. Of more than two channels, the first two count: left and right.
 * @throws {BadRequest} when nothing of it can be decoded; as `Workbench.run`
 */
export async function readSound(
  bench: Workbench,
  demuxer: Demuxer,
  { stream, sampleRate, channels }: NonNullable<Probe['audio']>,
): Promise<SoundSamples> {
  const samples = new SoundSamples(channels === 1 ? 1 : 2);
  await bench.run({
    program: 'ffmpeg',
    args: ffmpegArguments(demuxer, {
      stream,
      // Not ffmpeg's own mix, which is softer than what is mixed.
      filters: channels === 1 ? 'pan=mono|c0=c0' : 'pan=stereo|c0=c0|c1=c1',
      output: ['-ar', String(sampleRate), '-f', 's16le', '-c:a', 'pcm_s16le'],
    }),
    maxOutputBytes: MAX_PCM_BYTES,
    timeShare: 1,
    take: (pcm) => samples.add(pcm),
  });
  if (samples.total === 0) throw new BadRequest('The sound is damaged; no thumbnail can be made of it');
  return samples;
}

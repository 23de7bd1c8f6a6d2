import type { Sharp } from 'sharp';
import type { SourcePicture } from '../plan.ts';

export interface OpenedPicture {
  readonly header: SourcePicture;
  /** Of the frames, where sharp does not know it from the file. */
  readonly times?: AnimationTimes;
  /** Frames of it; of a still picture there is the first. @throws {Error} for a damaged picture */
  frames(first: number, count: number): Promise<Sharp>;
}

/** How long each frame stays, in milliseconds, and how often all are shown; 0 is for ever. */
export interface AnimationTimes {
  readonly delay: number[];
  readonly loop: number;
}

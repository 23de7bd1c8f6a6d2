import type { MxcUri } from '../matrix/index.ts';

/** What clients are told of a link. Empty texts are of what is not known. */
export interface Preview {
  readonly url: string;
  readonly siteName: string;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly picture: PreviewPicture | undefined;
}

/** Media of ours. */
export interface PreviewPicture {
  readonly uri: MxcUri;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Pixels; 0 for what is not known. */
  readonly width: number;
  readonly height: number;
}

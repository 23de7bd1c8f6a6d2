/** What a request for an endpoint is told apart by. */
export interface RequestLabels {
  /** One of our domains, or a word for all other hosts. */
  readonly host: string;
  /** matrix-media-repo's name of the endpoint. */
  readonly action: string;
  readonly method: string;
}

export interface MadeThumbnail {
  /** Of the size that was chosen, not of the picture. */
  readonly width: number;
  readonly height: number;
  readonly method: string;
  readonly animated: boolean;
  /** Whose media it shows. */
  readonly origin: string;
}

export type S3Operation = 'PutObject' | 'GetObject' | 'RemoveObject' | 'RedirectGetObject';

/** Who knew what a preview says: a provider, the page's words for the purpose, or whatever else was there. */
export type PreviewSource = 'oembed' | 'opengraph' | 'calculated';

/**
 * What the parts of the service tell of their work, for whoever counts it. A part that is given none tells nobody and
 * pays nothing. Each call is short and never fails.
 */
export interface Counts {
  /** A request for an endpoint and a host of ours is being answered. */
  requestBegun(request: RequestLabels): void;
  /** @param seconds from its beginning to the end of its answer */
  requestEnded(request: RequestLabels, status: number, seconds: number): void;
  /** A request for an endpoint, and for a host that is not ours, was refused. */
  hostRefused(action: string, method: string): void;
  /** A request was answered that has come to no endpoint. */
  otherAnswered(status: number): void;
  /** A client was refused for asking, or downloading, too much. */
  limited(limit: 'requests' | 'downloads'): void;
  /** Stored media or a thumbnail was asked for. @param ageSeconds since it was stored */
  mediaRead(ageSeconds: number): void;
  /** An object was looked for in the memory of this process. */
  cacheLooked(isThere: boolean): void;
  thumbnailMade(thumbnail: MadeThumbnail): void;
  /** Another server is asked for media. */
  remoteAsked(origin: string): void;
  previewMade(source: PreviewSource): void;
  /** A bucket is asked for something. */
  s3Asked(operation: S3Operation): void;
}

/** How things are at this moment, for whoever asks. */
export interface Readings {
  /** Every connection to a Redis; none where none is configured. */
  readonly redis: () => Iterable<{ readonly name: string; readonly connection: string; readonly isUp: boolean }>;
  readonly database: () => { readonly used: number; readonly idle: number; readonly waiting: number };
  readonly thumbnails: () => { readonly busy: number; readonly idle: number; readonly waiting: number };
  readonly remoteFetches: () => { readonly running: number; readonly waiting: number };
  /** That share the database, this one included. */
  readonly processes: () => number;
  readonly isInCharge: () => boolean;
}

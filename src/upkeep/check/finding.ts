import type { ObjectPlace } from '../../database/index.ts';

/** Something that is not as it should be. */
export type Finding = ObjectPlace &
  (
    | { readonly kind: 'object without rows'; readonly sizeBytes: number; readonly modifiedTs: number }
    | { readonly kind: 'unknown file'; readonly sizeBytes: number; readonly modifiedTs: number }
    | { readonly kind: 'unreadable entry'; readonly cause: string }
    | ({ readonly kind: 'rows without object' } & AffectedRows)
    | ({ readonly kind: 'wrong size'; readonly foundBytes: number } & AffectedRows)
    | ({ readonly kind: 'wrong hash'; readonly foundSha256: string } & AffectedRows)
    | ({ readonly kind: 'unreadable object'; readonly cause: string } & AffectedRows)
  );

/** What the rows say that point at the object. */
export interface AffectedRows {
  readonly dueBytes: number;
  /** Empty where no row has one. */
  readonly dueSha256: string;
  /** Some of the media, as mxc URIs. Empty: thumbnails or archives only. */
  readonly media: readonly string[];
  /** How many media there are in all. */
  readonly mediaCount: number;
}

export type BrokenObject = Extract<Finding, AffectedRows>;

/** A finding with what has become of it. */
export type ToldFinding = Finding & {
  /** What was done; `undefined`: nothing. */
  readonly repair: string | undefined;
};

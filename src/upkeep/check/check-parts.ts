import type { UpkeepParts } from '../upkeep-parts.ts';
import type { ToldFinding } from './finding.ts';

export interface CheckParts extends UpkeepParts {
  /** The domains that media of ours belongs to. */
  readonly ourOrigins: () => readonly string[];
}

export interface CheckOptions {
  /** In the order in which they are looked at. */
  readonly datastoreIds: readonly string[];
  /** Read every object, and compare its hash. */
  readonly hashes: boolean;
  readonly repair: boolean;
  /** Other datastores that keep their objects at the very same place. */
  readonly sharedWith: ReadonlyMap<string, readonly string[]>;
  /** Younger objects may belong to uploads under way, whose rows come later. */
  readonly minAgeMs: number;
}

/** Sums over all that has been looked at. */
export interface CheckTotals {
  readonly objects: number;
  readonly objectBytes: number;
  readonly rows: number;
  /** Objects without rows that are too young to be told. */
  readonly young: number;
  /** Rows of quarantined media whose objects are gone, as purging leaves them: the rows keep the content away. */
  readonly blocked: number;
  readonly findings: number;
  readonly repaired: number;
}

export const NOTHING_YET: CheckTotals = {
  objects: 0,
  objectBytes: 0,
  rows: 0,
  young: 0,
  blocked: 0,
  findings: 0,
  repaired: 0,
};

export function addTotals(one: CheckTotals, other: Partial<CheckTotals>): CheckTotals {
  const sum = (name: keyof CheckTotals) => one[name] + (other[name] ?? 0);
  return {
    objects: sum('objects'),
    objectBytes: sum('objectBytes'),
    rows: sum('rows'),
    young: sum('young'),
    blocked: sum('blocked'),
    findings: sum('findings'),
    repaired: sum('repaired'),
  };
}

/** One page of work: what was found in it, and where it ended. */
export interface CheckedPage {
  /** The location that it ended with. */
  readonly after: string;
  readonly totals: Partial<CheckTotals>;
  readonly findings: readonly ToldFinding[];
}

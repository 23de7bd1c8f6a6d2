import type { DomainConfig } from '../config/index.ts';
import { findUserUsage } from '../database/index.ts';
import { matchesWildcard, QuotaExceeded } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';

/** What one user may keep. `Infinity`: no limit. */
export interface Quota {
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Open reservations for asynchronous uploads. */
  readonly maxPending: number;
}

type Uploads = DomainConfig['uploads'];

/** By the first rule whose pattern matches the whole user ID; without one, only open reservations are limited. */
export function quotaOf({ quotas, maxPending }: Pick<Uploads, 'quotas' | 'maxPending'>, userId: string): Quota {
  const rule = quotas.enabled ? quotas.users.find(({ glob }) => matchesWildcard(glob, userId)) : undefined;
  return {
    maxBytes: limitOf(rule?.maxBytes ?? 0),
    maxFiles: limitOf(rule?.maxFiles ?? 0),
    maxPending: limitOf(rule?.maxPending ?? maxPending),
  };
}

export function isLimited({ maxBytes, maxFiles }: Quota): boolean {
  return maxBytes !== Number.POSITIVE_INFINITY || maxFiles !== Number.POSITIVE_INFINITY;
}

/** @throws {QuotaExceeded} when one more file of this size would be too much. Reaching a limit exactly is allowed. */
export async function refuseOverQuota(
  { database }: Pick<MediaParts, 'database'>,
  quota: Quota,
  userId: string,
  sizeBytes: number,
): Promise<void> {
  if (!isLimited(quota)) return;
  const { bytes, files } = await findUserUsage(database.db, userId);
  refuseBytes(quota, bytes + sizeBytes);
  if (files + 1 > quota.maxFiles) throw new QuotaExceeded(`You may keep ${quota.maxFiles} files here, and have them`);
}

/** @param totalBytes what the user would keep. @throws {QuotaExceeded} */
export function refuseBytes({ maxBytes }: Quota, totalBytes: number): void {
  if (totalBytes > maxBytes) throw new QuotaExceeded(`You may keep ${maxBytes} bytes here, and this would be more`);
}

function limitOf(configured: number): number {
  return configured > 0 ? configured : Number.POSITIVE_INFINITY;
}

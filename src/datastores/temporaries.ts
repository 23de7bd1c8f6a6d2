import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../telemetry/index.ts';

export interface SweepParts {
  /** Of the datastore. */
  readonly id: string;
  /** Temporaries carry it, so that a process sweeps its own and no other's. */
  readonly machineId: number;
  readonly now: () => number;
  readonly log: Log;
}

const ABANDONED_AFTER_MS = 24 * 3_600_000;

/** @param prefix tells our temporaries from what else is in the folder; empty: nothing is */
export function temporaryName(prefix: string, machineId: number, uniqueId: string): string {
  return `${prefix}${machineId}-${uniqueId}`;
}

/** Removes what uploads left behind that a crash broke off: our own at once, another process's when it is long dead. */
export async function sweepTemporaries(folder: string, prefix: string, parts: SweepParts): Promise<void> {
  let removed = 0;
  for (const name of (await readdir(folder)).filter((found) => found.startsWith(prefix))) {
    const path = join(folder, name);
    const isOurs = name.startsWith(temporaryName(prefix, parts.machineId, ''));
    const modifiedMs = await stat(path).then((found) => found.mtimeMs, parts.now);
    if (!isOurs && parts.now() - modifiedMs < ABANDONED_AFTER_MS) continue;
    await unlink(path).then(
      () => (removed += 1),
      (error: unknown) => parts.log.warn({ err: error, path }, 'A left-over temporary cannot be removed'),
    );
  }
  if (removed > 0) parts.log.info({ datastore: parts.id, removed }, 'Removed temporaries of interrupted uploads');
}

import type { TaskKind, TaskProgress } from '../tasks/index.ts';
import { createPace } from './pace.ts';
import { type Transferred, transferObjects } from './transfer-objects.ts';
import type { UpkeepParts } from './upkeep-parts.ts';

/** As matrix-media-repo writes them. */
export interface StorageMigrationParams {
  readonly source_datastore_id: string;
  readonly target_datastore_id: string;
  /** Milliseconds since 1970. */
  readonly before_ts: number;
}

export const STORAGE_MIGRATION = 'storage_migration';

/** Later than anything was used: with it as `before_ts` everything moves. */
export const EVERYTHING_BEFORE_TS = 253_402_300_799_000;

export interface StorageMigrationParts extends UpkeepParts {
  /** Of now. Bytes are of all transfers together, 0 or less is no limit; objects are of one. */
  readonly limits: () => { readonly transferBytesPerSecond: number; readonly transferObjectsAtOnce: number };
  /** Milliseconds that only move on. */
  readonly elapsedMs: () => number;
}

/** Moves objects from one datastore to another, as a task. The errors are matrix-media-repo's words, and then ours. */
export function storageMigration(parts: StorageMigrationParts): TaskKind {
  const pace = createPace({ ...parts, bytesPerSecond: () => parts.limits().transferBytesPerSecond });
  return {
    name: STORAGE_MIGRATION,
    async run(given, report, signal) {
      const params = parseParams(given);
      const source = parts.datastores.find(params.source_datastore_id);
      const target = parts.datastores.find(params.target_datastore_id);
      if (params.source_datastore_id === params.target_datastore_id) {
        throw new Error('source and target are the same');
      }
      if (source === undefined) throw new Error('missing source');
      if (target === undefined) throw new Error('missing target');
      // Two at the same objects would copy most of them twice.
      await using _turn = await parts.locks.acquire(`transfer-from-${source.id}`, signal);
      const { objects, bytes, leftBehind } = await transferObjects(
        parts,
        { source, target, beforeTs: params.before_ts },
        parts.limits().transferObjectsAtOnce,
        pace,
        (done, total) => report(asProgress(done, total)),
        signal,
      );
      parts.log.info(
        { source: source.id, target: target.id, objects, bytes, leftBehind: leftBehind.count },
        'Moved objects to a datastore',
      );
      if (leftBehind.count > 0) throw new Error(leftBehind.summarize());
    },
  };
}

function asProgress({ bytes, leftBehind }: Transferred, total: number): TaskProgress {
  const failed = leftBehind.count;
  return { done: bytes, total: Math.max(total, bytes), unit: 'bytes', ...(failed > 0 && { failed }) };
}

function parseParams(given: unknown): StorageMigrationParams {
  const { source_datastore_id, target_datastore_id, before_ts } = Object(given) as Record<string, unknown>;
  const isRight =
    typeof source_datastore_id === 'string' && typeof target_datastore_id === 'string' && typeof before_ts === 'number';
  if (!isRight) throw new Error('error in decode');
  return { source_datastore_id, target_datastore_id, before_ts };
}

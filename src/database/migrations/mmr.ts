import type { Migration } from './migration.ts';
import { mmr10 } from './mmr-1.0.ts';
import { mmr12 } from './mmr-1.2.ts';
import { mmr13 } from './mmr-1.3.ts';

/**
 * Every migration that MMR has, in order. A number beyond these is MMR's to give: what Vitrine adds goes into its own
 * tables, `vitrine_…`, with a bookkeeping of their own.
 */
export const mmrMigrations: readonly Migration[] = [...mmr10, ...mmr12, ...mmr13];

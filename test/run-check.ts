import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToldFinding } from '../src/upkeep/index.ts';
import { runVitrine } from './run-vitrine.ts';
import { listObjects, type ServiceFolder } from './service.ts';

const LONG_AGO = new Date('2020-01-01T00:00:00Z');

/** What `vitrine check --json` has told. */
export interface Checked {
  readonly code: number;
  readonly findings: readonly ToldFinding[];
  readonly summary: Readonly<Record<string, unknown>>;
}

/** @param cwd with the configuration in it */
export async function runCheck(cwd: string, ...args: string[]): Promise<Checked> {
  const { code, stdout, stderr } = await runVitrine(cwd, ['check', '--json', ...args]);
  assert.equal(stderr, '');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ToldFinding & Record<string, unknown>);
  const { kind, ...summary } = lines.pop() ?? {};
  assert.equal(kind, 'summary');
  return { code, findings: lines, summary };
}

/**
 * Asserts that no record is wrong, and that what else there is goes with a repair. No upload may be under way.
 * @returns how many objects had no record
 */
export async function checkAndRepair({ path, media }: ServiceFolder): Promise<number> {
  // Young objects are left alone.
  for (const location of await listObjects({ media })) await utimes(join(media, location), LONG_AGO, LONG_AGO);
  const { findings } = await runCheck(path, '--hashes', '--repair');
  assert.deepEqual(
    findings.filter(({ kind }) => kind !== 'object without rows'),
    [],
  );
  if (findings.length > 0) assert.deepEqual((await runCheck(path)).findings, []);
  return findings.length;
}

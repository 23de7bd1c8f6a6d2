import { DatabaseRefused } from './errors.ts';

/**
 * Which of our versions a database lacks, oldest first. They count from 1.
 * @param name of the database, for the operator
 * @param applied the newest that it has; 0 for none
 * @throws {DatabaseRefused} for one that a newer Vitrine has changed
 */
export function missingVersions(
  name: string,
  applied: number,
  known: readonly string[],
): readonly { readonly version: number; readonly sql: string }[] {
  if (applied > known.length) {
    throw new DatabaseRefused(
      `A newer Vitrine has changed ${name}: its tables have version ${applied}, and this one knows them up to ` +
        `${known.length}. Nothing was changed; use the newer Vitrine`,
    );
  }
  return known.slice(applied).map((sql, index) => ({ version: applied + index + 1, sql }));
}

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import { NOTHING_FOUND, type SqliteResult, type SqliteStatement } from './sqlite-messages.ts';

/** More than there are different queries; those with lists of varying length share what is left. */
const MAX_PREPARED = 256;

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
  /** Turns what SQLite keeps as a number or a text into what the column's declared type says. */
  readonly conversions: readonly (readonly [column: string, convert: (value: unknown) => unknown])[];
}

const CONVERSIONS: Readonly<Record<string, (value: unknown) => unknown>> = {
  BOOLEAN: (value) => value === 1,
  JSON: (value) => (typeof value === 'string' ? JSON.parse(value) : value),
};

class NothingFound extends Error {
  readonly errcode = NOTHING_FOUND;
}

/** Runs statements, each prepared once. */
export function createStatements(database: DatabaseSync): (statement: SqliteStatement) => SqliteResult {
  const cache = new LRUCache<string, Prepared>({ max: MAX_PREPARED });
  return ({ sql, parameters, isRequired = false }) => {
    const prepared = cache.get(sql) ?? prepare(database, sql);
    cache.set(sql, prepared);
    if (!prepared.returnsRows) {
      return { rows: [], changedRows: Number(prepared.statement.run(...parameters).changes) };
    }
    const rows: Record<string, unknown>[] = prepared.statement.all(...parameters);
    if (isRequired && rows.length === 0) throw new NothingFound('What was found has changed since');
    for (const [column, convert] of prepared.conversions) {
      for (const row of rows) row[column] = row[column] === null ? null : convert(row[column]);
    }
    return { rows, changedRows: undefined };
  };
}

function prepare(database: DatabaseSync, sql: string): Prepared {
  const statement = database.prepare(sql);
  const columns = statement.columns();
  const conversions = columns.flatMap(({ name, type }) => {
    const convert = CONVERSIONS[type ?? ''];
    return convert === undefined ? [] : [[name, convert] as const];
  });
  return { statement, returnsRows: columns.length > 0, conversions };
}

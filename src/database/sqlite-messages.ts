/** What passes between the service and the thread that holds the SQLite file. */

export type SqliteValue = string | number | bigint | null | Uint8Array;

export interface SqliteStatement {
  readonly sql: string;
  readonly parameters: readonly SqliteValue[];
  /** It has to find a row. */
  readonly isRequired?: boolean;
}

export type SqliteTask =
  /** One statement that changes nothing. */
  | { readonly kind: 'read'; readonly statement: SqliteStatement }
  /** All of them or none. */
  | { readonly kind: 'write'; readonly statements: readonly SqliteStatement[] }
  /** Everything that is not of this transaction waits until it ends. */
  | { readonly kind: 'begin' | 'commit' | 'rollback'; readonly transaction: number }
  | { readonly kind: 'within'; readonly statement: SqliteStatement; readonly transaction: number };

export type SqliteRequest = SqliteTask & { readonly id: number };

export interface SqliteResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Of statements that return no rows. */
  readonly changedRows: number | undefined;
}

export interface SqliteFailure {
  readonly message: string;
  /** SQLite's extended result code, or {@link NOTHING_FOUND}; `undefined` when something else failed. */
  readonly code: number | undefined;
}

/** The code of a statement that had to find a row and has not. SQLite's own are not negative. */
export const NOTHING_FOUND = -1;

export type SqliteAnswer = { readonly id: number } & (
  | { readonly results: readonly SqliteResult[] }
  | { readonly failure: SqliteFailure }
);

export type SqliteEvent =
  | { readonly kind: 'open' }
  /** The file cannot be used; the message is for the operator. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'answers'; readonly answers: readonly SqliteAnswer[] };

/** Ends the thread when everything before it is done. */
export const CLOSE = 'close';

export function asFailure(error: unknown): SqliteFailure {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return {
    message: error instanceof Error ? error.message : String(error),
    code: typeof code === 'number' ? code : undefined,
  };
}

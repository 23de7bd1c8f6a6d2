/** A row with this key is there already. What it means, and whether the client hears of it, is the caller's to say. */
export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation';
  readonly table: string;
  constructor(table: string, options?: ErrorOptions) {
    super(`${table} has a row with this key already`, options);
    this.table = table;
  }
}

/** Something is not as the writer of rows has found it a moment ago: look again. Nothing was written. */
export class ConditionFailed extends Error {
  override readonly name = 'ConditionFailed';
}

/** The server takes no writes: it is a standby that may become the primary, or was told so. */
export class OnlyReads extends Error {
  override readonly name = 'OnlyReads';
}

/** The database cannot be used as it is, and waiting will not help. The message is for the operator. */
export class DatabaseRefused extends Error {
  override readonly name = 'DatabaseRefused';
}

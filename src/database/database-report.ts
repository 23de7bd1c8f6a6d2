/** How a database is, found out without changing it. */
export interface DatabaseReport {
  /** Such as `PostgreSQL 18.1`. */
  readonly program: string;
  /** It has no tables yet; the next start makes them. */
  readonly isNew: boolean;
  /** So many steps bring its tables up to date; the next start takes them. */
  readonly missingSteps: number;
  /** A running Vitrine has it for itself. */
  readonly isInUse: boolean;
  /** How far its clock is ahead of the one that was passed in. `undefined`: it has none of its own. */
  readonly clockAheadMs: number | undefined;
  /** What only a server has. */
  readonly server?: PostgresReport;
}

export interface PostgresReport {
  /** Such as `UTF8`. */
  readonly encoding: string;
  /** Of all who use the server. */
  readonly maxConnections: number;
  /** Tables that our role may not read, write and delete in. */
  readonly closedTables: readonly string[];
  readonly mayMakeTables: boolean;
}

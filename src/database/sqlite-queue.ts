import type { DatabaseSync } from 'node:sqlite';
import {
  asFailure,
  type SqliteAnswer,
  type SqliteFailure,
  type SqliteRequest,
  type SqliteResult,
  type SqliteStatement,
} from './sqlite-messages.ts';
import { createStatements } from './sqlite-statements.ts';

type Answers = (answers: readonly SqliteAnswer[]) => void;
type Write = Extract<SqliteRequest, { readonly kind: 'write' }>;
type OfTransaction = Extract<SqliteRequest, { readonly transaction: number }>;

/** So that the first of a long row of writers does not wait for the last. */
const MAX_WRITES_PER_COMMIT = 500;

/**
 * Decides in which order requests run and which of them share a commit. A commit costs a wait for the disk; writes that
 * have come in meanwhile take one together, each in a savepoint of its own, so that one that fails fails alone.
 * Nothing is answered before it is on the disk.
 */
export class SqliteQueue {
  readonly #database: DatabaseSync;
  readonly #run: (statement: SqliteStatement) => SqliteResult;
  readonly #answer: Answers;
  #waiting: SqliteRequest[] = [];
  /** The transaction that has the database for itself. */
  #transaction: number | undefined;

  constructor(database: DatabaseSync, answer: Answers) {
    this.#database = database;
    this.#run = createStatements(database);
    this.#answer = answer;
  }

  /** Does all that can be done now: during a transaction, what is of it. */
  handle(requests: readonly SqliteRequest[]): void {
    this.#waiting.push(...requests);
    while (this.#transaction === undefined ? this.#runOpenRequests() : this.#runTransaction(this.#transaction));
  }

  /** @returns whether there was anything to do */
  #runOpenRequests(): boolean {
    const begin = this.#waiting.findIndex((request) => 'transaction' in request);
    const open = this.#waiting.splice(0, begin === -1 ? this.#waiting.length : begin);
    // Reads first: they need not wait for the disk, and see nothing that is not on it.
    const reads = open.filter((request) => request.kind === 'read');
    if (reads.length > 0) this.#answer(reads.map(({ id, statement }) => attempt(id, () => [this.#run(statement)])));
    const writes = open.filter((request) => request.kind === 'write');
    for (let start = 0; start < writes.length; start += MAX_WRITES_PER_COMMIT) {
      this.#answer(this.#commitTogether(writes.slice(start, start + MAX_WRITES_PER_COMMIT)));
    }

    const next = this.#waiting.shift();
    if (next !== undefined && 'transaction' in next) this.#answer([this.#runOfTransaction(next)]);
    return next !== undefined;
  }

  /** @returns whether the transaction has ended, so that others may go on */
  #runTransaction(transaction: number): boolean {
    const isOfIt = (request: SqliteRequest): request is OfTransaction =>
      'transaction' in request && request.transaction === transaction;
    const ours = this.#waiting.filter(isOfIt);
    this.#waiting = this.#waiting.filter((request) => !isOfIt(request));
    for (const request of ours) this.#answer([this.#runOfTransaction(request)]);
    return this.#transaction !== transaction;
  }

  #runOfTransaction(request: OfTransaction): SqliteAnswer {
    return attempt(request.id, () => {
      switch (request.kind) {
        case 'begin':
          this.#database.exec('BEGIN IMMEDIATE');
          this.#transaction = request.transaction;
          return [];
        case 'within':
          // A full disk can end a transaction. What follows must not take effect by itself.
          if (!this.#database.isTransaction) throw new Error('The transaction was rolled back');
          return [this.#run(request.statement)];
        case 'commit':
          this.#database.exec('COMMIT');
          this.#transaction = undefined;
          return [];
        case 'rollback':
          this.#transaction = undefined;
          if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
          return [];
        default:
          return request satisfies never;
      }
    });
  }

  #commitTogether(writes: readonly Write[]): readonly SqliteAnswer[] {
    const [first] = writes;
    if (first !== undefined && writes.length === 1) return [this.#commitAlone(first)];
    const failure = this.#begin();
    if (failure !== undefined) return writes.map(({ id }) => ({ id, failure }));
    try {
      const answers = writes.map((write) => this.#runInSavepoint(write));
      this.#database.exec('COMMIT');
      return answers;
    } catch {
      // The whole transaction is lost, as on a full disk. One by one, those that can still succeed, and the others
      // learn why they cannot.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      return writes.map((write) => this.#commitAlone(write));
    }
  }

  #begin(): SqliteFailure | undefined {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      return undefined;
    } catch (error) {
      return asFailure(error);
    }
  }

  /** @throws when the failure has ended the transaction around it */
  #runInSavepoint({ id, statements }: Write): SqliteAnswer {
    this.#database.exec('SAVEPOINT one_write');
    const answer = attempt(id, () => statements.map(this.#run));
    if ('failure' in answer) this.#database.exec('ROLLBACK TO one_write');
    this.#database.exec('RELEASE one_write');
    return answer;
  }

  #commitAlone({ id, statements }: Write): SqliteAnswer {
    const answer = attempt(id, () => {
      if (statements.length === 1) return statements.map(this.#run); // SQLite commits a lone statement
      this.#database.exec('BEGIN IMMEDIATE');
      const results = statements.map(this.#run);
      this.#database.exec('COMMIT');
      return results;
    });
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    return answer;
  }
}

function attempt(id: number, work: () => readonly SqliteResult[]): SqliteAnswer {
  try {
    return { id, results: work() };
  } catch (error) {
    return { id, failure: asFailure(error) };
  }
}

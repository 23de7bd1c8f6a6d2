import { Kysely, sql } from 'kysely';
import { Unavailable } from '../matrix/index.ts';
import { orAborted } from '../waiting/index.ts';
import type { Database, DatabaseOptions } from './database.ts';
import { asStatement, createSqliteDialect } from './sqlite-dialect.ts';
import { startSqliteThread } from './sqlite-thread.ts';
import type { Tables } from './tables.ts';

export interface SqliteOptions extends Pick<DatabaseOptions, 'log'> {
  /** Or `:memory:`. */
  readonly file: string;
}

/** Opens the file, in a thread of its own, for this process alone. */
export async function openSqlite({ file, log }: SqliteOptions): Promise<Database> {
  const thread = await startSqliteThread(file, (cause) => {
    log.fatal({ err: cause, file }, 'The thread of the SQLite file is gone; Vitrine has to be started again');
  });
  const db = new Kysely<Tables>({ dialect: createSqliteDialect(thread) });
  const database: Database = {
    db,
    engine: 'sqlite',
    async atomically(queries, conditions = []) {
      const statements = queries.map((query) => asStatement(query.compile()));
      if (statements.length === 0) return;
      const required = conditions.map((condition) => ({ ...asStatement(condition.compile()), isRequired: true }));
      await thread.run({ kind: 'write', statements: [...required, ...statements] });
    },
    load() {
      // One connection, which does one thing after the other.
      const used = Math.min(thread.pending, 1);
      return { used, idle: 1 - used, waiting: thread.pending - used };
    },
    async check(signal) {
      await orAborted(sql`select 1`.execute(db), signal).catch((error: unknown) => {
        throw signal.aborted ? new Unavailable('The database did not answer in time', { cause: error }) : error;
      });
    },
    hurry: () => undefined, // its queries end by themselves
    patient: () => ({ ...database, [Symbol.asyncDispose]: async () => undefined }),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
  return database;
}

import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { SqliteResult, SqliteStatement, SqliteValue } from './sqlite-messages.ts';
import type { SqliteThread } from './sqlite-thread.ts';

/** Kysely's SQLite, run by a {@link SqliteThread}. */
export function createSqliteDialect(thread: SqliteThread): Dialect {
  return {
    createAdapter: () => new ConcurrentSqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createDriver: () => createDriver(thread),
  };
}

/** Kysely would let one query in at a time; then no two could share a commit. The thread keeps the order. */
class ConcurrentSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

function createDriver(thread: SqliteThread): Driver {
  let lastTransaction = 0;
  const open = new WeakMap<DatabaseConnection, number>();
  const end = async (connection: DatabaseConnection, kind: 'commit' | 'rollback') => {
    const transaction = open.get(connection);
    if (transaction === undefined) throw new Error(`There is no transaction to ${kind}`);
    await thread.run({ kind, transaction });
    open.delete(connection);
  };

  return {
    async init() {},
    async acquireConnection() {
      const connection: DatabaseConnection = {
        async executeQuery<R>(query: CompiledQuery) {
          const transaction = open.get(connection);
          const statement = asStatement(query);
          if (transaction !== undefined) return only<R>(await thread.run({ kind: 'within', statement, transaction }));
          if (isRead(query)) return only<R>(await thread.run({ kind: 'read', statement }));
          return only<R>(await thread.run({ kind: 'write', statements: [statement] }));
        },
        // biome-ignore lint/correctness/useYield: it only refuses
        async *streamQuery() {
          throw new Error('SQLite rows come all at once');
        },
      };
      return connection;
    },
    async beginTransaction(connection) {
      lastTransaction += 1;
      const transaction = lastTransaction;
      await thread.run({ kind: 'begin', transaction });
      open.set(connection, transaction);
    },
    commitTransaction: (connection) => end(connection, 'commit'),
    rollbackTransaction: (connection) => end(connection, 'rollback'),
    async releaseConnection() {},
    async destroy() {},
  };
}

export function asStatement({ sql, parameters }: CompiledQuery): SqliteStatement {
  return { sql, parameters: parameters.map(asValue) };
}

function asValue(value: unknown): SqliteValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  if (value === null || value instanceof Uint8Array) return value;
  throw new TypeError(`SQLite cannot hold a value of type ${typeof value}`);
}

function isRead({ query, sql }: CompiledQuery): boolean {
  return query.kind === 'SelectQueryNode' || /^\s*(?:select|pragma|explain)\b/i.test(sql);
}

function only<R>([result]: readonly SqliteResult[]): QueryResult<R> {
  return {
    rows: (result?.rows ?? []) as R[], // the shape was Kysely's promise when it compiled the query
    ...(result?.changedRows !== undefined && { numAffectedRows: BigInt(result.changedRows) }),
  };
}

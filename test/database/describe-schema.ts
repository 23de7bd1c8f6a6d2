import { Client } from 'pg';

/** What PostgreSQL's own catalogue says about the tables of a database, in words that can be compared. */
export interface SchemaDescription {
  /** By table, in physical order: `name type [not null] [default …]`. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  /** `[unique] name: table (columns)`. */
  readonly indexes: readonly string[];
  /** `primary key`, `unique` and the like, by name. */
  readonly constraints: readonly string[];
  readonly triggers: readonly string[];
  readonly functions: readonly string[];
  readonly sequences: readonly string[];
  /** The rows of `gomigrate`: id and number. */
  readonly migrations: readonly (readonly [number, number])[];
}

export async function describeSchema(url: string): Promise<SchemaDescription> {
  return await asClient(url, async (query) => {
    const columns: Record<string, string[]> = {};
    for (const row of await query(`
      SELECT table_name, column_name || ' ' || data_type
        || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
        || coalesce(' default ' || column_default, '') AS text
      FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`)) {
      const table = String(row['table_name']);
      columns[table] = [...(columns[table] ?? []), String(row['text'])];
    }
    const texts = async (sql: string) => (await query(sql)).map((row) => String(row['text'])).toSorted();
    const hasMigrations = 'gomigrate' in columns;
    return {
      columns,
      indexes: await texts(`
        SELECT regexp_replace(indexdef,
          'CREATE (UNIQUE )?INDEX (\\w+) ON public\\.(\\w+) USING btree \\((.*)\\)', '\\1\\2: \\3 (\\4)') AS text
        FROM pg_indexes WHERE schemaname = current_schema()`),
      // PostgreSQL 18 counts NOT NULL among the constraints; the columns tell it already.
      constraints: await texts(`
        SELECT conname || ': ' || pg_get_constraintdef(oid) AS text FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'`),
      triggers: await texts(`SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE NOT tgisinternal`),
      functions: await texts(`
        SELECT proname || '(' || pg_get_function_arguments(pg_proc.oid) || ') returns ' || prorettype::regtype
          || ' language ' || lanname || ' volatility ' || provolatile::text || CASE WHEN prosecdef THEN ' definer' ELSE '' END
          AS text
        FROM pg_proc JOIN pg_language ON pg_language.oid = prolang WHERE pronamespace = 'public'::regnamespace`),
      sequences: await texts(
        `SELECT sequencename || ' ' || data_type AS text FROM pg_sequences WHERE schemaname = current_schema()`,
      ),
      migrations: hasMigrations
        ? (await query('SELECT id, migration_id FROM gomigrate ORDER BY id')).map(
            (row) => [Number(row['id']), Number(row['migration_id'])] as const,
          )
        : [],
    };
  });
}

/** Runs statements in a database, past everything that is tested. */
export async function runSql(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  return await asClient(url, (query) => query(sql));
}

async function asClient<T>(
  url: string,
  work: (query: (sql: string) => Promise<Record<string, unknown>[]>) => Promise<T>,
): Promise<T> {
  const client = new Client(url);
  await client.connect();
  try {
    return await work(async (sql) => {
      const results: unknown = await client.query(sql);
      const last = Array.isArray(results) ? results.at(-1) : results;
      return last.rows ?? [];
    });
  } finally {
    await client.end();
  }
}

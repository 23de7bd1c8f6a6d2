import { runSql } from '../database/describe-schema.ts';

export type Rows = Readonly<Record<string, readonly string[]>>;

/** Every row of every table of MMR, as text that can be compared. */
export async function readAllRows(url: string): Promise<Rows> {
  const tables = await runSql(
    url,
    `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'vitrine\\_%' ORDER BY tablename`,
  );
  const rows: Record<string, string[]> = {};
  for (const table of tables) {
    const name = String(table['tablename']);
    const found = await runSql(url, `SELECT row_to_json(t)::text AS text FROM ${name} AS t`);
    rows[name] = found.map(({ text }) => String(text)).toSorted();
  }
  return rows;
}

/** What there was and is not any more, or is otherwise, by table; tables of which everything is left do not appear. */
export function findLost(before: Rows, after: Rows): Rows {
  const lost = Object.entries(before).map(([table, rows]) => {
    const left = new Set(after[table]);
    return [table, rows.filter((row) => !left.has(row))] as const;
  });
  return Object.fromEntries(lost.filter(([, rows]) => rows.length > 0));
}

import { Kysely, PostgresDialect } from 'kysely';
import { Client } from 'pg';
import type { Db } from '../../src/database/index.ts';

/** One query as it was run, and how the server would find its rows. */
export interface Explained {
  readonly sql: string;
  /** Tables that are read from end to end. */
  readonly scanned: readonly string[];
  readonly indexes: readonly string[];
  /** The server's own words, as a tree. */
  readonly plan: string;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** A connection that has each query explained before it runs it. Dispose it. */
export async function openExplained(
  url: string,
): Promise<AsyncDisposable & { readonly db: Db; readonly explained: Explained[] }> {
  const client = new Client(url);
  client.on('error', () => undefined); // the database is dropped after the test
  await client.connect();
  const explained: Explained[] = [];
  const connection = {
    async query(sql: string, values: unknown[]) {
      const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
        `EXPLAIN (FORMAT JSON) ${sql}`,
        values,
      );
      const nodes = (rows[0]?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => flatten(Plan));
      const { rows: lines } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, values);
      explained.push({
        sql,
        scanned: nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'] ?? ''),
        indexes: nodes.flatMap((node) => node['Index Name'] ?? []),
        plan: lines.map((line) => line['QUERY PLAN']).join('\n'),
      });
      return await client.query(sql, values);
    },
    release: () => undefined,
  };
  // What Kysely asks of a pool; the types of `pg` know more.
  const pool = { connect: async () => connection, end: () => client.end() } as never;
  return {
    db: new Kysely({ dialect: new PostgresDialect({ pool }) }),
    explained,
    [Symbol.asyncDispose]: () => client.end(),
  };
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

import { Type } from 'typebox';

/** What MMR starts from; it stands for "not set". */
export const PLACEHOLDER_DSN = 'postgres://your_username:your_password@localhost/database_name?sslmode=disable';

export const database = Type.Object(
  {
    postgres: Type.String({
      default: PLACEHOLDER_DSN,
      secret: 'password',
      description:
        'PostgreSQL 13 or newer, as a URL or as `key=value` pairs. `sslmode` may be `disable`, `require` (the default), `verify-ca` or `verify-full`.',
    }),
    sqlite: Type.String({
      default: '',
      description:
        "Vitrine's own: keep everything in this SQLite file, in place of PostgreSQL. A relative path starts at the configuration file. One process at a time.",
    }),
    pool: Type.Object(
      {
        maxConnections: Type.Integer({
          default: 25,
          description: 'Most PostgreSQL connections at once. 0 or less: no limit.',
        }),
        maxIdleConnections: Type.Integer({
          default: 5,
          description: 'Most connections kept open without work. 0 or less: none.',
        }),
      },
      { description: 'Connections to PostgreSQL.' },
    ),
    preparedStatements: Type.Boolean({
      default: false,
      description:
        "Vitrine's own: have PostgreSQL keep, for each connection, the plans of what is asked often. Cheaper look-ups, where no pooler stands in between that does not support it.",
    }),
    timeouts: Type.Object(
      {
        querySeconds: Type.Integer({
          default: 30,
          minimum: 1,
          maximum: 3600,
          description:
            "Vitrine's own: so long a query for a request may take. Then the request is answered with 503, the query is cancelled, and its connection is closed.",
        }),
        maintenanceSeconds: Type.Integer({
          default: 3600,
          minimum: 1,
          maximum: 604_800,
          description:
            "Vitrine's own: so long a query may take of work that nobody waits for and that reads or writes many rows: retention, checks, transfers, estimates.",
        }),
      },
      { description: 'How long to wait for an answer of PostgreSQL.' },
    ),
  },
  { description: 'Where records are kept. Set exactly one of `postgres` and `sqlite`.' },
);

import type { TSchema } from 'typebox';
import { stringify } from 'yaml';
import { describeAllowed, wordsOf } from './decode.ts';
import { notesOf } from './option.ts';
import { DOMAIN_SECTIONS, mainSchema, PROCESS_WIDE_OPTIONS } from './schema.ts';
import { FILE_OPTIONS, S3_OPTIONS } from './sections/datastores.ts';

const INTRODUCTION = `# Configuration

<!-- Made from the schema in src/config/sections by script/write-configuration-page.ts. Do not edit it here. -->

Vitrine reads the configuration of matrix-media-repo as it is. Start from the file that the first start makes, or from
\`vitrine init\`:

\`\`\`sh
bin/vitrine init --server-name example.org --homeserver-url http://localhost:8008
bin/vitrine config check
bin/vitrine serve
\`\`\`

## Where it comes from

The first of these that is there: \`--config PATH\` (also \`-config PATH\`), the environment variable \`REPO_CONFIG\`,
\`./media-repo.yaml\`, \`./data/media-repo.yaml\`. When none is, \`vitrine serve\` makes the last one.

\`PATH\` may be a folder. Then every \`*.yaml\`, \`*.yml\` and \`*.json\` file in it is read in the order of the names, without
hidden files and without folders below it. Files are merged key by key, to any depth: a later file changes just the keys
that it has. Lists are replaced as a whole. A key without a value (\`null\`) counts as not given.

## One file a domain

A file that has \`homeserver: NAME\` at its top is about that domain only. It may have the fields of \`homeservers[]\` and every
section that says "may differ by domain" below, and changes just the keys that it has:

\`\`\`yaml
homeserver: beta.example.org
csApi: "http://localhost:8009"
uploads:
  maxBytes: 20971520
\`\`\`

The domain of a request is the one that its \`Host\` (or \`X-Forwarded-Host\`) names. A domain need not stand in
\`homeservers\` when it has a file.

## Looking at it

- \`vitrine config check\` reads everything as a start would, and prints all problems at once, each with file, line, key,
  what was found and what is allowed. It exits with 1 when there are any.
- \`vitrine config show\` prints what is in force, defaults included, with secrets masked; \`--domain example.org\` prints
  what counts for that domain.

A value that cannot be used keeps Vitrine from starting. A key that is not known is warned about, with the nearest one
that is.

## Environment variables

| variable | meaning |
| --- | --- |
| \`REPO_CONFIG\` | The configuration, unless \`--config\` names one. |
| \`MACHINE_ID\` | 0 to 1023, default 0: the number of this process among [those that share a database](scaling.md#machine_id). |
| \`PGHOST\`, \`PGPORT\`, \`PGUSER\`, \`PGPASSWORD\`, \`PGDATABASE\`, \`PGSSLMODE\` … | Fill what \`database.postgres\` leaves out. |

## Options

Sizes are in bytes. "Not yet" marks what is read and checked, and has no effect in this version; when you set it, a line
at the start says so.
`;

/** `docs/configuration.md`, whole. */
export function renderConfigurationPage(): string {
  const sections = Object.entries(mainSchema.properties).map(([name, schema]) => renderSection(name, schema));
  return `${[INTRODUCTION, ...sections].join('\n')}`;
}

function renderSection(name: string, schema: TSchema): string {
  const words = wordsOf(schema);
  const isByDomain = Object.hasOwn(DOMAIN_SECTIONS, name);
  const rows = rowsOf(name, schema, true);
  return [
    `### \`${name}\``,
    '',
    `${words.description ?? ''}${isByDomain ? ' May differ by domain.' : ''}`,
    '',
    ...tableOf(rows.length > 0 ? rows : [rowOf(name, schema)]),
    ...(name === 'datastores' ? renderDatastoreOptions() : []),
  ].join('\n');
}

function renderDatastoreOptions(): string[] {
  return [
    '`opts` of `type: file`:',
    '',
    ...tableOf(rowsOf('', FILE_OPTIONS, false)),
    '`opts` of `type: s3`, see [S3](datastores/s3.md):',
    '',
    ...tableOf(rowsOf('', S3_OPTIONS, false)),
  ];
}

function tableOf(rows: readonly string[]): string[] {
  return ['| option | type | default | meaning |', '| --- | --- | --- | --- |', ...rows, ''];
}

/** A row for each option below it, to any depth. */
function rowsOf(key: string, schema: TSchema, isTop: boolean): string[] {
  const words = wordsOf(schema);
  if (words.properties !== undefined) {
    return Object.entries(words.properties).flatMap(([name, property]) => {
      const path = key === '' ? name : `${key}.${name}`;
      const below = rowsOf(path, property, false);
      return below.length > 0 ? below : [rowOf(path, property)];
    });
  }
  const itemWords = words.items === undefined ? {} : wordsOf(words.items);
  if (words.items === undefined || itemWords.properties === undefined) return [];
  return [...(isTop ? [] : [rowOf(key, schema)]), ...rowsOf(`${key}[]`, words.items, false)];
}

function rowOf(key: string, schema: TSchema): string {
  const { description = '', default: fallback } = wordsOf(schema);
  const notes = [
    ...(PROCESS_WIDE_OPTIONS.has(key) ? ['The same for all domains.'] : []),
    ...(notesOf(schema).later === true ? ['*Not yet.*'] : []),
  ];
  const cells = [`\`${key}\``, typeOf(schema), defaultOf(fallback), [description, ...notes].join(' ')];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeOf(schema: TSchema): string {
  return describeAllowed(schema)
    .replace(/, without quotes$/, '')
    .replace(/^an? /, '')
    .replaceAll('"', '`');
}

function defaultOf(value: unknown): string {
  if (value === undefined) return '';
  if (value === '') return 'empty';
  if (Array.isArray(value) && value.length === 0) return 'empty';
  if (typeof value !== 'object' || value === null) return `\`${String(value)}\``;
  if (Object.keys(value).length === 0) return 'empty';
  return `\`${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``;
}

import type { TSchema } from 'typebox';
import { stringify } from 'yaml';
import { optionsOf } from './datastore-options.ts';
import { type Given, wordsOf } from './decode.ts';
import { notesOf } from './option.ts';
import { type Config, type DatastoreConfig, type DomainConfig, domainSchema, mainSchema } from './schema.ts';

const MASK = '********';

/** The configuration in force as YAML, with secrets masked. With a domain: what counts for its requests. */
export function describeConfig(config: Config, domain?: DomainConfig): string {
  if (domain === undefined) return stringify(mask(mainSchema, config, ''));
  const { serverName, ...own } = domain;
  return stringify(mask(domainSchema, { homeserver: serverName, ...own }, ''));
}

function mask(schema: TSchema, value: unknown, name: string): unknown {
  const { secret } = notesOf(schema);
  const words = wordsOf(schema);
  if (secret === 'password' && typeof value === 'string') return maskPassword(value);
  if (secret === 'whole') return value === '' ? '' : MASK;
  if (Array.isArray(value)) {
    return value.map((item) => (name === 'datastores' ? maskDatastore(item) : mask(words.items ?? schema, item, name)));
  }
  if (typeof value !== 'object' || value === null) return value;
  if (words.properties === undefined) return maskUnknown(value);
  return Object.fromEntries(
    Object.entries(words.properties).map(([key, property]) => [key, mask(property, (value as Given)[key], key)]),
  );
}

/** In a URL and in `key=value` pairs. */
export function maskPassword(dsn: string): string {
  return dsn
    .replace(/^(\w+:\/\/[^:@/?]*:)[^@]*@/, `$1${MASK}@`)
    .replace(/\b(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)/gi, `$1${MASK}`);
}

function maskDatastore({ opts, ...datastore }: DatastoreConfig): unknown {
  const options = optionsOf(datastore.type);
  const masked = Object.entries(opts).map(([name, text]) => {
    const schema = options[name];
    const isSecret = schema === undefined ? looksSecret(name) : notesOf(schema).secret !== undefined;
    return [name, isSecret && text !== '' ? MASK : text];
  });
  return { ...datastore, opts: Object.fromEntries(masked) };
}

/** What a plugin is given has no schema: names decide. */
function maskUnknown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskUnknown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [name, looksSecret(name) ? MASK : maskUnknown(below)]),
  );
}

function looksSecret(name: string): boolean {
  return /secret|token|password|key|dsn/i.test(name);
}

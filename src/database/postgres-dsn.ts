import { DatabaseRefused } from './errors.ts';

/** What a connection string says, by lib/pq's names: `host`, `dbname`, `sslmode`, … and the server's own settings. */
export type DsnValues = ReadonlyMap<string, string>;

const URL_FORM =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^/?#]*)@)?(?<address>[^/?#]*)(?:\/(?<name>[^?#]*))?(?:\?(?<query>[^#]*))?(?:#.*)?$/s;
const ADDRESS = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:]*))(?::(?<port>[^:]*))?$/;

/**
 * Reads a connection string as the Go driver lib/pq does: a URL, or `key=value` pairs.
 * @throws {DatabaseRefused} with nothing of the string in its message: there is a password in it
 */
export function parseDsn(dsn: string): DsnValues {
  return /^postgres(?:ql)?:\/\//.test(dsn) ? parseUrl(dsn) : parsePairs(dsn);
}

function parseUrl(dsn: string): DsnValues {
  const parts = URL_FORM.exec(dsn)?.groups;
  const address = ADDRESS.exec(parts?.['address'] ?? '')?.groups;
  if (parts === undefined || address === undefined) throw refuse('the address after "postgres://" makes no sense');
  const values = new Map<string, string>();
  const set = (key: string, value: string | undefined) => {
    if (value !== undefined && value !== '') values.set(key, decodePercent(value));
  };
  const [, user, password] = /^([^:]*)(?::(.*))?$/s.exec(parts['user'] ?? '') ?? [];
  set('user', user);
  set('password', password);
  set('host', address['v6'] ?? address['host']);
  set('port', address['port']);
  set('dbname', parts['name']);
  for (const [key, value] of new URLSearchParams(parts['query'])) values.set(key, value);
  return values;
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse('a "%" in a URL has to be followed by two hexadecimal digits; write a plain one as %25');
  }
}

/** `key=value` and `key = 'with spaces'`; a backslash takes the next character as it is. */
function parsePairs(dsn: string): DsnValues {
  const values = new Map<string, string>();
  const pair =
    /\s*(?<key>[^\s=]+)\s*=\s*(?:'(?<quoted>(?:[^'\\]|\\.)*)'|(?<bare>(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?)(?=\s|$)/sy;
  const end = dsn.trimEnd().length;
  while (pair.lastIndex < end) {
    const found = pair.exec(dsn)?.groups;
    if (found === undefined) {
      throw refuse('it is neither a URL that starts with "postgres://" nor "key=value" pairs with closed quotes');
    }
    const { key = '', quoted, bare } = found;
    values.set(key, (quoted ?? bare ?? '').replace(/\\(.)/gs, '$1'));
  }
  return values;
}

function refuse(problem: string): DatabaseRefused {
  return new DatabaseRefused(`The connection string of database.postgres cannot be read: ${problem}`);
}

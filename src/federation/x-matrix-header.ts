import { parseServerName, type ServerName, Unauthorized } from '../matrix/index.ts';
import { type KeyId, parseKeyId } from './key-id.ts';

/** What one `Authorization: X-Matrix …` says. Nothing of it has been proved. */
export interface XMatrix {
  readonly origin: ServerName;
  /** Older servers do not send it. */
  readonly destination: ServerName | undefined;
  readonly keyId: KeyId;
  /** In base64, or whatever was sent. */
  readonly signature: string;
}

/** In the form that every server reads: no spaces around commas, all values quoted, nothing that needs an escape. */
export function formatXMatrix({ origin, destination, keyId, signature }: XMatrix): string {
  const to = destination === undefined ? '' : `destination="${destination}",`;
  return `X-Matrix origin="${origin}",${to}key="${keyId}",sig="${signature}"`;
}

const SCHEME = /^x-matrix[ \t]+/i;
const SEPARATORS = /[ \t,]*/y;
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t",\\]+))[ \t]*(?=,|$)/y;

/**
 * Reads the parameters of RFC 9110, section 11.2, and unquoted values with any characters, which older servers send.
 * @param header one value of `Authorization`
 * @returns `undefined` for another scheme, for a key that is not Ed25519, and when origin, key or signature is missing
 * @throws {Unauthorized} when it cannot be read, says something twice, or names what is no server
 */
export function parseXMatrix(header: string): XMatrix | undefined {
  const scheme = SCHEME.exec(header)?.[0];
  if (scheme === undefined) return undefined;
  const parameters = readParameters(header, scheme.length);
  const [origin, destination, key, signature] = ['origin', 'destination', 'key', 'sig'].map((name) =>
    parameters.get(name),
  );
  const keyId = parseKeyId(key ?? '');
  if (origin === undefined || keyId === undefined || signature === undefined) return undefined;
  return {
    origin: readServerName(origin),
    destination: destination === undefined ? undefined : readServerName(destination),
    keyId,
    signature,
  };
}

/** By name, in lower case. */
function readParameters(header: string, start: number): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (let at = skipSeparators(header, start); at < header.length; at = skipSeparators(header, at)) {
    PARAMETER.lastIndex = at;
    const [whole, name = '', quoted, unquoted = ''] = PARAMETER.exec(header) ?? [];
    if (whole === undefined) throw malformed('it is not a list of name="value"');
    const lowerCase = name.toLowerCase();
    if (parameters.has(lowerCase)) throw malformed('a parameter occurs twice');
    parameters.set(lowerCase, quoted === undefined ? unquoted : quoted.replace(/\\(.)/g, '$1'));
    at += whole.length;
  }
  return parameters;
}

/** Empty items of a list are nothing: RFC 9110, section 5.6.1.2. */
function skipSeparators(header: string, at: number): number {
  SEPARATORS.lastIndex = at;
  return at + (SEPARATORS.exec(header)?.[0].length ?? 0);
}

function readServerName(text: string): ServerName {
  try {
    return parseServerName(text);
  } catch (error) {
    throw malformed('it names something that is not a server', { cause: error });
  }
}

function malformed(why: string, options?: ErrorOptions): Unauthorized {
  return new Unauthorized('badly signed', `The X-Matrix authorization cannot be read: ${why}`, options);
}

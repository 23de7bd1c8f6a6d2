const ORIGIN = /^https?:\/\/[^/?#]*/i;

/**
 * The target of a request as path and query that can be decoded, whatever a client has sent. An absolute URL loses its
 * origin. A `%` that begins no escape, and escapes that are no UTF-8, stand for themselves: the path then goes through
 * the same checks as any other, in the same order.
 */
export function readableTarget(target: string): string {
  const local = target.startsWith('/') ? target : withoutOrigin(target);
  if (!local.includes('%')) return local;
  const end = endOfPath(local);
  const path = local.slice(0, end);
  if (isDecodable(path)) return local;
  const literal = (escapes: string) => (isDecodable(escapes) ? escapes : escapes.replaceAll('%', '%25'));
  return path.replaceAll(/(?:%[0-9a-f]{2})+|%/gi, literal) + local.slice(end);
}

/** The authority of a target that is an absolute URL, as it is written; `undefined` for any other target. */
export function authorityOf(target: string): string | undefined {
  return ORIGIN.exec(target)?.[0].replace(/^https?:\/\//i, '');
}

/** The path of a {@link readableTarget}, decoded: one text however it was written. */
export function decodedPath(readable: string): string {
  const path = readable.slice(0, endOfPath(readable));
  return path.includes('%') ? decodeURIComponent(path) : path;
}

/** Whether nothing follows the last slash, which no endpoint has; `/` alone counts too. */
export function hasTrailingSlash(readable: string): boolean {
  return readable.charAt(endOfPath(readable) - 1) === '/';
}

function withoutOrigin(target: string): string {
  const local = target.replace(ORIGIN, '');
  return local.startsWith('/') ? local : `/${local}`;
}

/** A fragment has no place in a target; the router cuts it off, too. */
function endOfPath(target: string): number {
  const end = target.search(/[?#]/);
  return end < 0 ? target.length : end;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false; // a URIError, the only thing that it throws
  }
}

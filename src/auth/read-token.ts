const BEARER = /^bearer[ \t]+(\S+)[ \t]*$/i;

/**
 * The access token of a request. An `Authorization` header decides alone: without a token in it there is none, whatever
 * the query says. An empty token is none. Specification: Client-Server API, "Using access tokens".
 */
export function readToken(
  headers: { readonly authorization?: string | undefined },
  query: Readonly<Record<string, unknown>>,
): string | undefined {
  if (headers.authorization !== undefined) return BEARER.exec(headers.authorization)?.[1];
  const asked = query['access_token'];
  const token: unknown = Array.isArray(asked) ? asked[0] : asked;
  return typeof token === 'string' && token !== '' ? token : undefined;
}

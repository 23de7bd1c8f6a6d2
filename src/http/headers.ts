/** On every answer, errors included. Specification: D-4, HD-1 to HD-3. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers':
    'Origin, X-Requested-With, Content-Type, Accept, Authorization, Range, If-None-Match, If-Range',
  'Access-Control-Expose-Headers':
    'Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag, Retry-After, X-Request-Id',
  'Content-Security-Policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow, noarchive, noimageindex',
  Server: 'vitrine',
};

/** How long a browser may remember the answer to OPTIONS, in seconds. */
export const PREFLIGHT_SECONDS = '86400';

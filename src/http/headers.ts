/** On every answer, errors included; in lower case, which spares Fastify the work. Specification: D-4, HD-1 to HD-3. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers':
    'Origin, X-Requested-With, Content-Type, Accept, Authorization, Range, If-Match, If-None-Match, If-Range',
  'access-control-expose-headers':
    'Content-Disposition, Content-Length, Content-Range, Accept-Ranges, ETag, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id',
  'content-security-policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'cross-origin-resource-policy': 'cross-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex, nofollow, noarchive, noimageindex',
  server: 'vitrine',
};

/** How long a browser may remember the answer to OPTIONS, in seconds. */
export const PREFLIGHT_SECONDS = '86400';

/** Bytes never change under one URI, but access to them may end: private, and not for ever. */
export const MEDIA_CACHE_CONTROL = 'private, max-age=259200, immutable';

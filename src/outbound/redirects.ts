import { OutboundError } from './errors.ts';

export type Headers = Readonly<Record<string, string>>;

/** What is asked next. */
export interface Hop {
  readonly url: URL;
  readonly headers: Headers;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Mean something to the origin that they were made for, and to nobody else. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** Where the answer sends the asker; `undefined` for an answer that is none of that kind. RFC 9110, section 15.4. */
export function redirectOf(answer: {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}): string | undefined {
  const { location } = answer.headers;
  return REDIRECTS.has(answer.status) && typeof location === 'string' ? location : undefined;
}

/** @throws {OutboundError} `bad redirect` */
export function nextHop(from: Hop, location: string): Hop {
  const url = URL.parse(location, from.url.href);
  if (url === null) throw new OutboundError('bad redirect', `A redirect of ${from.url.host} leads to no URL`);
  return { url, headers: url.origin === from.url.origin ? from.headers : withoutCredentials(from.headers) };
}

function withoutCredentials(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.has(name.toLowerCase())));
}

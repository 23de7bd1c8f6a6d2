import { isIP, isIPv4 } from 'node:net';
import { RE2JS } from 're2js';
import type { Format } from './option.ts';

/** For each format: what is allowed, in words that end "allowed: …", unless the text is fine. */
const CHECKS: Readonly<Record<Format, { readonly allowed: string; readonly isFine: (text: string) => boolean }>> = {
  cidr: { allowed: 'a network such as 10.0.0.0/8 or fc00::/7', isFine: isNetwork },
  endpoint: {
    allowed: 'a host such as s3.example.org, or host and port, without "https://"',
    isFine: (text) => /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i.test(text),
  },
  'http-proxy': { allowed: 'a URL that begins with http://, or nothing', isFine: isHttpProxy },
  'http-url': { allowed: 'a URL that begins with http:// or https://', isFine: isHttpUrl },
  'log-level': {
    allowed: 'panic, fatal, error, warn, info, debug or trace',
    isFine: (text) => /^(panic|fatal|error|warn|warning|info|debug|trace|)$/i.test(text),
  },
  'media-type': { allowed: 'a type such as image/png', isFine: (text) => /^[\w.+*-]+\/[\w.+*-]+$/.test(text) },
  'not-empty': { allowed: 'a text that is not empty', isFine: (text) => text !== '' },
  'regular-expression': { allowed: 'a regular expression in RE2 syntax', isFine: isRegularExpression },
  'server-name': { allowed: 'a server name such as example.org', isFine: isServerName },
  'server-pattern': {
    allowed: 'a server name in which * may stand for any text, such as *.example.org',
    isFine: (text) => isServerName(text.replaceAll('*', 'a')),
  },
  'user-id': { allowed: 'a user ID such as @name:example.org', isFine: (text) => /^@[^:\0]*:.+$/s.test(text) },
};

/** What would be allowed, when the text is not of the format. */
export function findFormatProblem(format: Format, text: string): string | undefined {
  const { allowed, isFine } = CHECKS[format];
  return isFine(text) ? undefined : allowed;
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  if (isIP(address) === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128));
}

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
}

function isHttpProxy(text: string): boolean {
  const url = URL.parse(text);
  return text === '' || (url?.protocol === 'http:' && url.hostname !== '' && isDecodable(url.username + url.password));
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false; // there is a percent sign that stands for itself
  }
}

function isRegularExpression(text: string): boolean {
  try {
    RE2JS.compile(text);
    return true;
  } catch {
    return false; // the compiler throws for syntax alone
  }
}

/** The shape only; the request path has the exact grammar. */
function isServerName(text: string): boolean {
  return /^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/.test(text) && text.length <= 261;
}

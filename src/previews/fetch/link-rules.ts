import { posix } from 'node:path';
import { domainToUnicode } from 'node:url';
import { matchesWildcard } from '../../matrix/index.ts';

/** No page is there, and what is may do as it is told. https://fetch.spec.whatwg.org/#port-blocking */
const BLOCKED_PORTS: ReadonlySet<number> = new Set([
  ...[0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109],
  ...[110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530],
  ...[531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190],
  ...[5060, 5061, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211],
]);

/**
 * Why a link is not asked for, by what it says; where its name leads is looked at when the connection is opened.
 * @param denied `urlPreviews.urlDenyList`
 * @returns `undefined`: it may be asked
 */
export function findLinkProblem(url: URL, denied: readonly string[]): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'The link has a scheme other than http and https';
  if (url.username !== '' || url.password !== '') return 'The link has credentials in it';
  if (BLOCKED_PORTS.has(Number(url.port || 443))) return 'The port of the link is that of another service';
  return isDenied(url, denied) ? 'The link is on the deny list' : undefined;
}

/** Patterns with `://` are about the whole link, the others about its host. */
function isDenied(url: URL, denied: readonly string[]): boolean {
  if (denied.length === 0) return false;
  const host = url.hostname.replace(/\.$/, '');
  const hosts = [host, domainToUnicode(host)];
  const port = url.port === '' ? '' : `:${url.port}`;
  const links = hosts.flatMap((name) => pathsOf(url).map((path) => `${url.protocol}//${name}${port}${path}`));
  return denied.some((entry) => {
    const pattern = entry.toLowerCase().normalize();
    return (pattern.includes('://') ? links : hosts).some((text) => matchesWildcard(pattern, text.toLowerCase()));
  });
}

/** What follows the host, as it is written and as servers may read it. */
function pathsOf({ pathname, search }: URL): string[] {
  const decoded = decode(pathname);
  return [pathname + search, decoded + decode(search), posix.normalize(decoded) + decode(search)];
}

/** As servers read it, which take `%61` for `a`. */
function decode(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });
}

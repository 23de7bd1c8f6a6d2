import { matchesWildcard } from '../../matrix/index.ts';

/** Who describes links by oEmbed, and which links. */
export interface OEmbedProviders {
  /** Where the description of a link is asked for; `undefined`: nobody knows it. */
  find(link: URL): { readonly providerName: string; readonly endpoint: URL } | undefined;
}

interface Endpoint {
  readonly providerName: string;
  readonly url: string;
  readonly schemes: readonly Scheme[];
}

/** A pattern for links, in which `*` stands for any text, but not for a slash within the host. */
interface Scheme {
  readonly isPlainToo: boolean;
  readonly host: string;
  readonly path: string;
}

/**
 * @param list in the form of https://oembed.com/providers.json
 * @throws {TypeError} for anything else. Single entries that make no sense are left out
 */
export function readProviders(list: unknown): OEmbedProviders {
  if (!Array.isArray(list)) throw new TypeError('A list of oEmbed providers is an array');
  const endpoints = list.flatMap((provider: unknown) => endpointsOf(provider));
  return {
    find(link) {
      const found = endpoints.find(({ schemes }) => schemes.some((scheme) => matches(scheme, link)));
      const endpoint = found && endpointFor(found.url, link);
      return found && endpoint && { providerName: found.providerName, endpoint };
    },
  };
}

/** The URL at which the endpoint describes a link. */
function endpointFor(template: string, link: URL): URL | undefined {
  const url = URL.parse(template.replaceAll('{format}', 'json').replace('/*', ''));
  if (url === null) return undefined;
  url.searchParams.set('format', 'json');
  url.searchParams.set('url', link.href);
  return url;
}

function endpointsOf(provider: unknown): Endpoint[] {
  if (!isObject(provider) || !Array.isArray(provider['endpoints'])) return [];
  const providerName = textOf(provider['provider_name']);
  const fallback = `${textOf(provider['provider_url']).replace(/\/$/, '')}/*`;
  return provider['endpoints'].filter(isObject).map((endpoint) => {
    const schemes = Array.isArray(endpoint['schemes']) ? endpoint['schemes'].map(textOf) : [fallback];
    return { providerName, url: textOf(endpoint['url']), schemes: schemes.flatMap(parseScheme) };
  });
}

function parseScheme(text: string): Scheme[] {
  const [, protocol, host, path = '/'] = /^(https?):\/\/([^/]+)(\/.*)?$/s.exec(text) ?? [];
  return host === undefined ? [] : [{ isPlainToo: protocol === 'http', host: host.toLowerCase(), path }];
}

function matches({ isPlainToo, host, path }: Scheme, link: URL): boolean {
  if (link.protocol !== 'https:' && !(isPlainToo && link.protocol === 'http:')) return false;
  return matchesWildcard(host, link.host) && matchesWildcard(path, link.pathname + link.search);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

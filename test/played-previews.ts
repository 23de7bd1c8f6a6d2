import type { ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import type { FakeRemote } from './fake-remote.ts';
import { type PlayedInternet, playInternet } from './played-internet.ts';
import { type ConfigSections, ENGINES, type Engine, startTestService, type TestService } from './service.ts';

/** The site that every played internet for previews has, with and without TLS. */
export const SITE = 'pages.example';
/** Where it is. */
export const SITE_ADDRESS = '203.0.113.1';

export interface PlayedPreviews extends PlayedInternet {
  readonly service: TestService;
  readonly site: FakeRemote;
  /** The same site for `http://`. */
  readonly plainSite: FakeRemote;
  /** Asks for a preview. @param query beside the URL */
  preview(link: string, query?: Readonly<Record<string, string>>, init?: RequestInit): Promise<Response>;
}

type Route = PlayedInternet['routes']['route'];
/** Leads connections elsewhere. @param usual to the played internet, which refuses what is not in it */
type RouteOf = (usual: Route) => Route;

/** A service, and a site of which it can make previews. */
export async function playPreviews(
  t: TestContext,
  sections: ConfigSections = {},
  { engine = ENGINES[0], route }: { readonly engine?: Engine; readonly route?: RouteOf } = {},
): Promise<PlayedPreviews> {
  const internet = await playInternet(t);
  internet.dns.set(SITE, 'A', [SITE_ADDRESS]);
  const site = await internet.start(`${SITE_ADDRESS} 443`, { names: [SITE] });
  const plainSite = await internet.start(`${SITE_ADDRESS} 80`, { authority: undefined });
  const { resolver, routes, authority } = internet;
  const ownRoute = route?.(routes.route) ?? routes.route;
  const outside = { resolver, route: ownRoute, authorities: [authority.pem] };
  const service = await startTestService(t, engine, sections, undefined, outside);
  return {
    ...internet,
    service,
    site,
    plainSite,
    preview: (link, query = {}, init = {}) =>
      service.ask(`/_matrix/client/v1/media/preview_url?${new URLSearchParams({ url: link, ...query })}`, init),
  };
}

/** A page, as a site sends it. */
export function page(html: string | Buffer, headers: Readonly<Record<string, string>> = {}) {
  return (_request: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers });
    response.end(html);
  };
}

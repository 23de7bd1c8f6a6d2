import type { TestContext } from 'node:test';
import {
  createResolver,
  type Outbound,
  type OutboundOptions,
  openOutbound,
  type Resolver,
} from '../src/outbound/index.ts';
import { type CertificateAuthority, makeAuthority } from './certificates.ts';
import { type FakeDns, startFakeDns } from './fake-dns.ts';
import { createRoutes, type FakeRemote, type FakeRemoteOptions, type Routes, startFakeRemote } from './fake-remote.ts';

/** Long enough for a busy machine; a test whose case is a limit takes a shorter one for it. */
export const PATIENT = { connectMs: 20_000, headersMs: 20_000, stallMs: 20_000, totalMs: 60_000 } as const;

/** Names, certificates and machines of others, all on this one. It ends with the test. */
export interface PlayedInternet {
  readonly dns: FakeDns;
  readonly authority: CertificateAuthority;
  readonly routes: Routes;
  readonly resolver: Resolver;
  /** A server at an endpoint such as `10.0.0.1 443`, with certificates of the authority. */
  start(endpoint: string, options: FakeRemoteOptions): Promise<FakeRemote>;
  /** Trusts the authority, forbids loopback and link-local networks, and is {@link PATIENT}. */
  open(options?: Partial<OutboundOptions>): Outbound;
}

/** @param dnsTimeoutMs after which a name server that does not answer has failed */
export async function playInternet(t: TestContext, dnsTimeoutMs = 5_000): Promise<PlayedInternet> {
  const dns = await startFakeDns();
  const authority = await makeAuthority();
  const routes = createRoutes();
  const resolver = createResolver({ servers: [dns.server], hostsFile: '/dev/null', timeoutMs: dnsTimeoutMs });
  t.after(() => dns[Symbol.asyncDispose]());
  return {
    dns,
    authority,
    routes,
    resolver,
    async start(endpoint, options) {
      const remote = await startFakeRemote({ authority, ...options });
      t.after(() => remote[Symbol.asyncDispose]());
      routes.add(endpoint, remote.port);
      return remote;
    },
    open(options = {}) {
      const outbound = openOutbound(
        { resolver, route: routes.route },
        {
          networks: {
            allowed: [],
            disallowed: ['127.0.0.0/8', '169.254.0.0/16', '::1', 'fe80::/10', '0.0.0.0/8', '::'],
          },
          limits: PATIENT,
          certificates: { authorities: [authority.pem] },
          ...options,
        },
      );
      t.after(() => outbound[Symbol.asyncDispose]());
      return outbound;
    },
  };
}

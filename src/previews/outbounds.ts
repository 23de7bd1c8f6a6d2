import type { DomainConfig } from '../config/index.ts';
import {
  type CertificateRules,
  type Outbound,
  type OutboundParts,
  openOutbound,
  type TimeLimits,
} from '../outbound/index.ts';

/** The ways out for previews: domains with equal rules share one. */
export interface Outbounds extends AsyncDisposable {
  of(domain: DomainConfig): Outbound;
}

/** Where no site can be, whatever the configuration says. */
const NEVER: readonly string[] = [
  '0.0.0.0/8', // this network; `::1` carries an address of it
  '169.254.0.0/16', // link-local, and the metadata of most clouds
  '192.0.0.0/24', // of protocols, and the metadata of Oracle's cloud
  '168.63.129.16/32', // the metadata of Azure
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and the broadcast
  '::/128',
  'fe80::/10', // link-local
  'fec0::/10', // site-local
  'ff00::/8', // multicast
];
const ALL: readonly string[] = ['0.0.0.0/0', '::/0'];

const LONGEST_SECONDS = 60;
const MAX_CONNECT_MS = 10_000;
/** Sites send policies that are longer than what most servers take. */
const MAX_HEADER_BYTES = 64 * 1024;

export function createOutbounds(parts: OutboundParts, certificates: Pick<CertificateRules, 'authorities'>): Outbounds {
  const opened = new Map<string, Outbound & AsyncDisposable>();
  return {
    of(domain) {
      const { previewUnsafeCertificates, proxy } = domain.urlPreviews;
      const networks = networksOf(domain);
      const limits = previewLimits(domain);
      const key = JSON.stringify([networks, limits, previewUnsafeCertificates, proxy]);
      const known = opened.get(key);
      if (known !== undefined) return known;
      const outbound = openOutbound(parts, {
        networks,
        limits,
        certificates: { ...certificates, areChecked: !previewUnsafeCertificates },
        maxHeaderBytes: MAX_HEADER_BYTES,
        proxy: proxy === '' ? undefined : proxy,
      });
      opened.set(key, outbound);
      return outbound;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...opened.values()].map((outbound) => outbound[Symbol.asyncDispose]()));
    },
  };
}

/** For one fetch, its redirects and its body included. */
export function previewLimits({ timeouts }: Pick<DomainConfig, 'timeouts'>): TimeLimits {
  const { urlPreviewTimeoutSeconds: seconds } = timeouts;
  const totalMs = (seconds > 0 ? seconds : LONGEST_SECONDS) * 1000;
  return { connectMs: Math.min(totalMs, MAX_CONNECT_MS), headersMs: totalMs, stallMs: totalMs, totalMs };
}

/** An empty list of allowed networks would allow all of them elsewhere; here it allows none. */
function networksOf({ urlPreviews: { allowedNetworks: allowed, disallowedNetworks: disallowed } }: DomainConfig) {
  return { allowed, disallowed: [...disallowed, ...NEVER, ...(allowed.length === 0 ? ALL : [])] };
}

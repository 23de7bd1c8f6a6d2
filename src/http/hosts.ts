import type { Config, DomainConfig } from '../config/index.ts';
import { shorten, splitHostAndPort, UnknownHost } from '../matrix/index.ts';

export interface HostHeaders {
  readonly host?: string | undefined;
  readonly 'x-forwarded-host'?: string | string[] | undefined;
}

/**
 * The domain that a request is for: what `X-Forwarded-Host` names where it counts and is there, else `Host`. Compared
 * without regard to case, first with the port and then without, because a server name may have one.
 * @throws {UnknownHost} for a host that is not served here
 */
export function findDomain(config: Config, headers: HostHeaders): DomainConfig {
  const host = hostOf(config, headers).toLowerCase();
  const domain = config.domains.get(host) ?? config.domains.get(splitHostAndPort(host).host);
  if (domain !== undefined) return domain;
  const cause = new Error(`The host "${shorten(host)}" is not among the configured homeservers`);
  throw new UnknownHost({ cause });
}

/** As the request names it. */
export function hostOf(config: Config, headers: HostHeaders): string {
  const forwarded = headers['x-forwarded-host'];
  const first = (Array.isArray(forwarded) ? forwarded[0] : forwarded)?.split(',', 1)[0]?.trim();
  return (config.repo.useForwardedHost ? first : undefined) || (headers.host ?? '').trim();
}

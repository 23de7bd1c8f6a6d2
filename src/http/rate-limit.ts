import { hash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { Cluster } from '../cluster/index.ts';
import { LimitExceeded } from '../matrix/index.ts';
import type { CountedRequest, Exchange } from './exchange.ts';
import { decodedPath } from './request-target.ts';

/** The limits of `rateLimit`. Specification: C-7 to C-11, D-5. */
export interface RateLimits {
  /**
   * Counts a request, once.
   * @param url a readable target, with its query
   * @param endpoint the pattern of its path; empty where there is none: all such paths are counted together
   * @returns `undefined`: it is not limited
   */
  count(exchange: Exchange, url: string, endpoint: string): CountedRequest | undefined;
  /**
   * To be called before so many bytes of media are sent.
   * @throws {LimitExceeded} when this client has had too many of late
   */
  chargeDownload(exchange: Exchange, bytes: number): void;
  /** The same for bytes of an answer that has begun before anybody knew how long it gets: they are not refused. */
  chargeOnTheWay(exchange: Exchange, bytes: number): void;
}

/** So many clients, or clients and paths, are watched at a time. */
const MAX_KEYS = 20_000;
const UNLIMITED_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);
const DAY_SECONDS = 86_400;
const MAX_KEY_LENGTH = 200;

export function createRateLimits(openBuckets: Cluster['openBuckets']): RateLimits {
  const requests = openBuckets('requests', MAX_KEYS);
  const downloads = openBuckets('downloads', MAX_KEYS);
  const pourDownload = (exchange: Exchange, bytes: number, capacity?: number) => {
    const { rateLimit } = exchange.config;
    if (!rateLimit.enabled) return undefined;
    const { capacityBytes, drainBytesPerMinute, overflowLimitBytes } = rateLimit.buckets.downloads;
    const shape = {
      capacity: capacity ?? capacityBytes,
      overflow: overflowLimitBytes,
      drainPerSecond: drainBytesPerMinute / 60,
    };
    return downloads.pour(whoDownloads(exchange), bytes, shape);
  };
  return {
    count(exchange, url, endpoint) {
      const { rateLimit } = exchange.config;
      if (!rateLimit.enabled || exchange.counted !== undefined) return exchange.counted;
      const path = decodedPath(url);
      if (UNLIMITED_PATHS.has(path)) return undefined;
      const { requestsPerSecond: drainPerSecond, burst: capacity, scope } = rateLimit;
      const scoped = scope === 'path' && endpoint !== '' ? shorten(path) : endpoint;
      const poured = requests.pour(`${networkOf(exchange.clientAddress)} ${scoped}`, 1, {
        capacity,
        overflow: 0,
        drainPerSecond,
      });
      const resetSeconds = drainPerSecond > 0 ? Math.ceil((capacity - poured.left) / drainPerSecond) : DAY_SECONDS;
      if (!poured.isTaken) exchange.refusedBy = 'requests';
      exchange.counted = {
        headers: [
          'RateLimit-Limit',
          String(capacity),
          'RateLimit-Remaining',
          String(Math.floor(poured.left)),
          'RateLimit-Reset',
          String(resetSeconds),
        ],
        refusal: poured.isTaken ? undefined : new LimitExceeded('Too many requests; slow down', poured.retryAfterMs),
      };
      return exchange.counted;
    },
    chargeDownload(exchange, bytes) {
      const poured = pourDownload(exchange, bytes);
      if (poured?.isTaken === false) {
        exchange.refusedBy = 'downloads';
        throw new LimitExceeded('You have downloaded a lot of late; slow down', poured.retryAfterMs);
      }
    },
    chargeOnTheWay(exchange, bytes) {
      pourDownload(exchange, bytes, Number.POSITIVE_INFINITY);
    },
  };
}

/** A path of any length, as a key of a few bytes. */
function shorten(path: string): string {
  return path.length <= MAX_KEY_LENGTH ? path : hash('sha256', path, 'base64');
}

/** A user, a server, or else an address. The words keep a server that is named by its address apart from that address. */
function whoDownloads({ asker, askingServer, clientAddress }: Exchange): string {
  if (asker !== undefined) return asker.userId;
  return askingServer === undefined ? networkOf(clientAddress) : `server ${askingServer.toLowerCase()}`;
}

/** One household: an IPv6 client has a whole /64 to itself. */
function networkOf(address: string): string {
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return `${parsed.parts.slice(0, 4).join(':')}/64`;
}

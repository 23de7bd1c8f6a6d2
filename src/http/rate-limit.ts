import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { createLeakyBuckets, type LeakyBuckets } from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import { LimitExceeded } from '../matrix/index.ts';
import { decodedPath } from './request-target.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * To be called before so many bytes of media are sent.
     * @throws {LimitExceeded} when this client has had too many of late
     */
    chargeDownload(bytes: number): void;
  }
}

/** So many clients, or clients and paths, are watched at a time. */
const MAX_KEYS = 20_000;
const UNLIMITED_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** Puts the limits of `rateLimit` into force. Specification: C-7 to C-11, D-5. */
export function limitRates(app: FastifyInstance, now: () => number): void {
  const requests = createLeakyBuckets({ now, maxKeys: MAX_KEYS });
  const downloads = createLeakyBuckets({ now, maxKeys: MAX_KEYS });
  app.addHook('onRequest', (request, reply, done) => {
    done(refuseRequest(requests, request, reply));
  });
  app.decorateRequest('chargeDownload', function (bytes) {
    charge(downloads, this.config, this, bytes);
  });
}

function refuseRequest(buckets: LeakyBuckets, request: FastifyRequest, reply: FastifyReply): LimitExceeded | undefined {
  const { rateLimit } = request.config;
  if (!rateLimit.enabled || request.method === 'OPTIONS') return undefined;
  const path = decodedPath(request.url);
  if (UNLIMITED_PATHS.has(path)) return undefined;
  const scope = rateLimit.scope === 'path' ? path : (request.routeOptions.url ?? '');
  const { requestsPerSecond: drainPerSecond, burst: capacity } = rateLimit;
  const shape = { capacity, overflow: 0, drainPerSecond };
  const poured = buckets.pour(`${networkOf(request.clientAddress)} ${scope}`, 1, shape);
  const remaining = Math.floor(poured.left);
  reply.header('RateLimit-Limit', capacity);
  reply.header('RateLimit-Remaining', remaining);
  reply.header('RateLimit-Reset', drainPerSecond > 0 ? Math.ceil((capacity - poured.left) / drainPerSecond) : 86_400);
  return poured.isTaken ? undefined : new LimitExceeded('Too many requests; slow down', poured.retryAfterMs);
}

function charge(buckets: LeakyBuckets, { rateLimit }: Config, request: FastifyRequest, bytes: number): void {
  if (!rateLimit.enabled) return;
  const { capacityBytes, drainBytesPerMinute, overflowLimitBytes } = rateLimit.buckets.downloads;
  const shape = { capacity: capacityBytes, overflow: overflowLimitBytes, drainPerSecond: drainBytesPerMinute / 60 };
  const poured = buckets.pour(request.asker?.userId ?? networkOf(request.clientAddress), bytes, shape);
  if (!poured.isTaken) throw new LimitExceeded('You have downloaded a lot of late; slow down', poured.retryAfterMs);
}

/** One household: an IPv6 client has a whole /64 to itself. */
function networkOf(address: string): string {
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return `${parsed.parts.slice(0, 4).join(':')}/64`;
}

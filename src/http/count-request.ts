import { UnknownHost } from '../matrix/index.ts';
import type { Counts, RequestLabels } from '../telemetry/index.ts';
import type { Exchange } from './exchange.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What metrics call the endpoint: matrix-media-repo's name, where it has it. */
    readonly action?: string;
  }
}

/** Of an endpoint that does not say what it is. */
const NAMELESS = 'other';
/** In place of hosts that are not ours, where that does not matter: anybody can make up names. */
const ANY_HOST = 'unknown';
const FOR_ANY_HOST: ReadonlySet<string> = new Set(['healthz', 'readyz']);

/** To be called when a request has come to its endpoint, before anything is done for it. */
export function countBegin(
  exchange: Exchange,
  action: string = NAMELESS,
  method: string,
  counts: Pick<Counts, 'requestBegun'>,
): void {
  const host = hostOf(exchange) ?? (FOR_ANY_HOST.has(action) ? ANY_HOST : undefined);
  const labels = host === undefined ? undefined : { host, action, method };
  exchange.tally = { action, labels };
  if (labels !== undefined) counts.requestBegun(labels);
}

/** To be called once for each request that has a line in the log, with the status that stands there. */
export function countEnd(exchange: Exchange, method: string, status: number, seconds: number, counts: Counts): void {
  const { tally, refusedBy } = exchange;
  if (refusedBy !== undefined) counts.limited(refusedBy);
  if (tally === undefined) {
    counts.otherAnswered(status);
    return;
  }
  const labels = tally.labels ?? beginLate(exchange, tally.action, method, counts);
  if (labels === undefined) counts.hostRefused(tally.action, method);
  else counts.requestEnded(labels, status, seconds);
}

/** What another server has signed may be for a domain of ours that its headers do not name. */
function beginLate(
  exchange: Exchange,
  action: string,
  method: string,
  counts: Pick<Counts, 'requestBegun'>,
): RequestLabels | undefined {
  const host = hostOf(exchange);
  if (host === undefined) return undefined;
  const labels = { host, action, method };
  counts.requestBegun(labels);
  return labels;
}

function hostOf(exchange: Exchange): string | undefined {
  try {
    return exchange.domain.serverName;
  } catch (error) {
    if (error instanceof UnknownHost) return undefined;
    throw error;
  }
}

import { connect, isIPv6, type Socket } from 'node:net';
import { describeSocketError } from './describe-trouble.ts';
import type { OutboundError } from './errors.ts';

/** One address and port of a machine. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** After that the next address is tried as well. RFC 8305, section 5. */
const STAGGER_MS = 250;
/** Of one name. More are a mistake, or bait for a scan of somebody's ports. */
const MAX_ENDPOINTS = 10;

/**
 * Opens a TCP connection to the first endpoint that takes one, trying them in this order with little patience. All
 * others are closed again. RFC 8305 ("Happy Eyeballs").
 * @throws {OutboundError} what the most telling attempt ran into
 */
export async function connectToFirst(
  endpoints: readonly Endpoint[],
  signal: AbortSignal,
  open: (endpoint: Endpoint) => Socket = openSocket,
): Promise<Socket> {
  signal.throwIfAborted();
  const waiting = [...endpoints];
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const trying = new Set<Socket>();
  let winner: Socket | undefined;
  const failures: OutboundError[] = [];
  let stagger: NodeJS.Timeout | undefined;

  const tryNext = () => {
    clearTimeout(stagger);
    const endpoint = waiting.shift();
    if (endpoint === undefined) return;
    const socket = open(endpoint);
    trying.add(socket);
    socket.once('connect', () => {
      winner ??= socket;
      resolve(winner);
    });
    socket.on('error', (error) => {
      if (socket === winner || !trying.delete(socket)) return; // whoever has the winner by now listens too
      failures.push(describeSocketError(error, `${endpoint.address} port ${endpoint.port}`));
      if (waiting.length > 0) tryNext();
      else if (trying.size === 0) reject(mostTelling(failures));
    });
    if (waiting.length > 0) stagger = setTimeout(tryNext, STAGGER_MS);
  };
  const giveUp = () => reject(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    tryNext();
    return await promise;
  } finally {
    clearTimeout(stagger);
    signal.removeEventListener('abort', giveUp);
    for (const socket of trying) if (socket !== winner) socket.destroy();
  }
}

/** IPv6 first, then in turns, so that a family without a way out costs one wait; cut to ten. RFC 8305, section 4. */
export function orderEndpoints(endpoints: readonly Endpoint[]): Endpoint[] {
  const six = endpoints.filter(({ address }) => isIPv6(address));
  const four = endpoints.filter(({ address }) => !isIPv6(address));
  const longest = Math.max(six.length, four.length);
  return Array.from({ length: longest }, (_, index) => [six[index], four[index]])
    .flat()
    .filter((endpoint) => endpoint !== undefined)
    .slice(0, MAX_ENDPOINTS);
}

/** The address is one: Node looks nothing up. */
function openSocket({ address, port }: Endpoint): Socket {
  return connect({ host: address, port, noDelay: true, keepAlive: true });
}

/** A machine without IPv6 finds every IPv6 address unreachable; that tells nothing about the other side. */
function mostTelling(failures: readonly OutboundError[]): OutboundError | undefined {
  return failures.find(({ trouble }) => trouble !== 'unreachable') ?? failures[0];
}

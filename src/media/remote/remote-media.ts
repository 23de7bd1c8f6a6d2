import { createSingleFlight } from '../../cluster/index.ts';
import type { DomainConfig } from '../../config/index.ts';
import { federationLimits, isServerAllowed } from '../../federation/index.ts';
import { Forbidden, formatMxcUri, type MxcUri, NotYetUploaded, RemoteUnavailable } from '../../matrix/index.ts';
import { createFailedFetches } from './failed-fetches.ts';
import type { ComingMedia, FetchFor, RemoteMedia } from './fetch-for.ts';
import { createFetchTurns } from './fetch-turns.ts';
import { type Begun, createRemoteFetch, type RemoteFetch, type RemoteFetchProgress } from './remote-fetch.ts';
import { type RemoteMediaStore, storeRemote } from './store-remote.ts';

/** One who asks for media, and the fetch that all share who ask for the same. */
interface Passenger extends Disposable {
  readonly fetch: RemoteFetch;
  /** When it is stored. */
  readonly landed: Promise<void>;
  /** Lets the fetch go on, also when nobody waits for it. */
  goOn(): void;
}

const MINUTE_MS = 60_000;
/** So many fetches go on for nobody: those who ask and leave at once must not keep the others from their turn. */
const MAX_UNATTENDED = 5;
const ABOUT_TO_LAND: RemoteFetch = {
  begun: new Promise(() => undefined),
  isNearlyWhole: () => false,
  isWhole: () => false,
};
const FAILURES = { maxValueBytes: 1024, maxBytes: 8 * 1024 * 1024 };

export function createRemoteMedia(parts: RemoteMediaStore): RemoteMedia {
  const share = createSingleFlight<void>();
  const underWay = new Map<string, RemoteFetch>();
  const unattended = new Set<string>();
  const failures = createFailedFetches({ failures: parts.openCache('failed_fetches', FAILURES), now: parts.now });
  const turns = createFetchTurns();

  const store = async (uri: MxcUri, fetchFor: FetchFor, progress: RemoteFetchProgress, signal: AbortSignal) => {
    const { downloads, timeouts } = fetchFor.config;
    const key = keyOf(uri, fetchFor);
    const limits = { all: downloads.numWorkers, perServer: downloads.maxPerServer };
    using _turn = await turns.take(uri.origin, limits, signal);
    // What another process fetches is not fetched here, too.
    await using _lock = await parts.locks.acquire(`remote-media-${formatMxcUri(uri)}`, signal);
    if ((await parts.records.findNow(uri)) !== undefined) return;
    await failures.refuse(uri, key);
    const ending = new AbortController();
    // Of all requests that it takes, redirects and resumptions included.
    const { totalMs } = federationLimits(timeouts.federationTimeoutSeconds);
    const timer = setTimeout(() => ending.abort(new RemoteUnavailable(uri.origin, 'timeout')), totalMs);
    const accept = () => {
      clearTimeout(timer); // to store it takes as long as it takes
      progress.accept();
    };
    try {
      await storeRemote(parts, uri, fetchFor, { ...progress, accept }, AbortSignal.any([signal, ending.signal]));
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) {
        await failures.remember(key, error, downloads.failureCacheMinutes * MINUTE_MS);
      }
      throw error;
    } finally {
      clearTimeout(timer);
      ending.abort(); // what is still being asked is asked for nobody
    }
  };

  const fly = async (uri: MxcUri, fetchFor: FetchFor, signal: AbortSignal): Promise<void> => {
    const key = keyOf(uri, fetchFor);
    const progress = createRemoteFetch();
    underWay.set(key, progress);
    try {
      await store(uri, fetchFor, progress, signal);
    } finally {
      if (underWay.get(key) === progress) underWay.delete(key);
    }
  };

  const board = (uri: MxcUri, fetchFor: FetchFor, signal: AbortSignal): Passenger => {
    const key = keyOf(uri, fetchFor);
    const own = new AbortController();
    const join = (joined: AbortSignal) => share(key, joined, (shared) => fly(uri, fetchFor, shared));
    const landed = join(own.signal);
    const fetch = underWay.get(key) ?? ABOUT_TO_LAND;
    const goOn = () => {
      if (unattended.has(key) || (unattended.size >= MAX_UNATTENDED && !fetch.isWhole())) return;
      unattended.add(key);
      // Remembered, and told to the others. It lasts as long as asking a server may take.
      const ended = join(new AbortController().signal).catch(() => undefined);
      void ended.finally(() => unattended.delete(key));
    };
    let isAboard = true;
    const leave = () => {
      if (!isAboard) return;
      isAboard = false;
      signal.removeEventListener('abort', leave);
      if (underWay.get(key) === fetch && fetch.isNearlyWhole()) goOn();
      own.abort(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    landed.catch(() => undefined); // whoever waits for it has it from the race
    return { fetch, landed, goOn, [Symbol.dispose]: leave };
  };

  /** @returns what `early` gives when that comes first; `undefined`: it is stored */
  const wait = async <Early>(
    passenger: Passenger,
    waitMs: number,
    early: Promise<Early>,
  ): Promise<Early | undefined> => {
    const { promise: isUp, resolve } = Promise.withResolvers<'up'>();
    const timer = setTimeout(resolve, waitMs, 'up');
    try {
      const first = await Promise.race([passenger.landed, early, isUp]);
      if (first !== 'up') return first ?? undefined;
    } finally {
      clearTimeout(timer);
    }
    passenger.goOn(); // whoever has waited long enough comes back for it
    throw new NotYetUploaded();
  };

  const boardAllowed = async (uri: MxcUri, fetchFor: FetchFor, signal: AbortSignal): Promise<Passenger> => {
    refuseServer(uri, fetchFor.domain);
    await failures.refuse(uri, keyOf(uri, fetchFor));
    signal.throwIfAborted();
    return board(uri, fetchFor, signal);
  };

  return {
    get load() {
      return turns.load;
    },
    async fetch(uri, fetchFor, waitMs, signal) {
      using passenger = await boardAllowed(uri, fetchFor, signal);
      await wait(passenger, waitMs, new Promise<never>(() => undefined));
    },
    async follow(uri, fetchFor, waitMs, signal) {
      using stack = new DisposableStack();
      const passenger = stack.use(await boardAllowed(uri, fetchFor, signal));
      const begun = await wait(passenger, waitMs, passenger.fetch.begun);
      if (begun?.bytes.hasFailed) await passenger.landed; // which tells why
      return begun === undefined ? undefined : asComing(begun, stack.move());
    },
  };
}

function asComing({ media, bytes }: Begun, aboard: Disposable): ComingMedia {
  const { contentType, uploadName, sizeBytes } = media;
  return {
    state: 'coming',
    contentType,
    uploadName,
    sizeBytes,
    read: (signal) => bytes.read(signal),
    [Symbol.dispose]: () => aboard[Symbol.dispose](),
  };
}

/** Limits and keys are the domain's own, so what one is refused another one may get. */
function keyOf(uri: MxcUri, { domain }: FetchFor): string {
  return `${domain.serverName} ${formatMxcUri(uri)}`;
}

/** @throws {Forbidden} */
function refuseServer({ origin }: MxcUri, { serverName, federation }: DomainConfig): void {
  if (isServerAllowed(origin, federation.servers.fetchFrom)) return;
  throw new Forbidden(`${serverName} fetches no media from ${origin}`);
}

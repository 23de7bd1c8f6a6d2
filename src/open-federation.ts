import type { Bus } from './cluster/index.ts';
import type { Config } from './config/index.ts';
import {
  createFederation,
  createFetchRemote,
  createGetJson,
  createPostJson,
  createRemoteKeys,
  createRequestVerifier,
  createServerReports,
  type DevelopmentSwitches,
  federationLimits,
  loadSigningKeys,
  type RemoteKeys,
  type ReportServer,
  type Sign,
  type SigningKey,
  signRequest,
  type VerifyRequest,
  warnOfUnpublishedKeys,
} from './federation/index.ts';
import { parseServerName } from './matrix/index.ts';
import type { RemoteMediaStore } from './media/index.ts';
import {
  type ConnectionEvent,
  createResolver,
  type OutboundOptions,
  type OutboundParts,
  openOutbound,
  type Resolver,
} from './outbound/index.ts';
import type { Counts, Log } from './telemetry/index.ts';

/** Where other servers are. Tests play all of it. */
export interface Internet extends Partial<DevelopmentSwitches> {
  readonly resolver?: Resolver;
  readonly route?: OutboundParts['route'];
  /** Whose certificates are good, as PEM. Default: those whom Node trusts. */
  readonly authorities?: readonly string[];
}

/** All that deals with servers that are not ours, joined. Dispose it. */
export interface OpenFederation extends AsyncDisposable {
  /** Asks the server of a media for it, in the name of one of our domains. */
  readonly fetchRemote: RemoteMediaStore['ask'];
  readonly verifyRequest: VerifyRequest;
  readonly reportServer: ReportServer;
}

/** For a test that somebody waits for. */
const REPORT_LIMITS = { connectMs: 10_000, headersMs: 15_000, stallMs: 10_000, totalMs: 30_000 };

interface FederationSurroundings {
  readonly bus: Bus;
  readonly log: Log;
  readonly counts?: Counts | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly steadyNow: () => number;
}

/** @throws {SigningKeysError} */
export async function openFederation(
  config: Config,
  { bus, log, counts, now, steadyNow }: FederationSurroundings,
  internet: Internet,
): Promise<OpenFederation> {
  await using stack = new AsyncDisposableStack();
  const signingKeys = await loadSigningKeys(config.domains.values());
  const { resolver = createResolver(), plainHttp = false } = internet;
  const open = (watch?: (event: ConnectionEvent) => void, limits?: OutboundOptions['limits']) =>
    openOutbound(
      { ...routeOf(internet), resolver, ...(watch && { watch }) },
      outboundOptions(config, internet, limits),
    );
  const parts = { resolver, log, now, steadyNow, random: Math.random, plainHttp };
  const outbound = stack.use(open());
  const federation = createFederation({ ...parts, outbound, bus, backoffAt: () => config.federation.backoffAt });
  const fetchRemote = createFetchRemote({ federation, outbound, plainHttp, counts });
  const signers = signersOf(signingKeys);
  const notaries = config.federation.notaries.map(parseServerName);
  const remoteKeys = stack.use(
    createRemoteKeys({
      getJson: createGetJson(federation),
      postJson: createPostJson(federation),
      notaries,
      log,
      now,
    }),
  );
  const verifyRequest = createRequestVerifier({
    findKey: remoteKeys.find,
    isOwn: (serverName) => config.domains.get(serverName.toLowerCase())?.serverName === serverName,
  });
  const closing = new AbortController();
  stack.defer(() => closing.abort(new Error('The service is stopping')));
  lookAtOwnKeys(signingKeys, remoteKeys, log, closing.signal);
  const openParts = stack.move();
  return {
    fetchRemote: ({ origin, mediaId }, { serverName }, signal) =>
      fetchRemote(origin, mediaId, signers.get(serverName), signal),
    verifyRequest,
    reportServer: createServerReports({ ...parts, openOutbound: (watch) => open(watch, REPORT_LIMITS) }),
    [Symbol.asyncDispose]: () => openParts.disposeAsync(),
  };
}

/** To one server. Fewer than fetches from it, and some of these would fail for having waited too long. */
const MIN_CONNECTIONS = 16;
const UNLIMITED_CONNECTIONS = 1000;

/** By server name. */
function signersOf(keys: ReadonlyMap<string, SigningKey>): ReadonlyMap<string, Sign> {
  return new Map(
    [...keys].map(([serverName, key]): [string, Sign] => {
      const origin = parseServerName(serverName);
      return [serverName, (destination, method, uri) => signRequest({ method, uri, origin, destination }, key)];
    }),
  );
}

function routeOf({ route }: Internet): Pick<OutboundParts, 'route'> {
  return route === undefined ? {} : { route };
}

function outboundOptions(
  { downloads: { maxPerServer }, federation, timeouts }: Config,
  { authorities, anyCertificate = false }: Internet,
  limits = federationLimits(timeouts.federationTimeoutSeconds),
): OutboundOptions {
  const { allowedNetworks: allowed, disallowedNetworks: disallowed } = federation;
  const certificates = { areChecked: !anyCertificate, ...(authorities !== undefined && { authorities }) };
  const maxConnections = maxPerServer > 0 ? Math.max(MIN_CONNECTIONS, maxPerServer) : UNLIMITED_CONNECTIONS;
  return { networks: { allowed, disallowed }, limits, certificates, maxConnections };
}

/** In the background: the service starts before its homeservers can be asked by their public names. */
function lookAtOwnKeys(
  signingKeys: ReadonlyMap<string, SigningKey>,
  remoteKeys: RemoteKeys,
  log: Log,
  signal: AbortSignal,
): void {
  warnOfUnpublishedKeys(signingKeys, { remoteKeys, log }, signal).catch((error: unknown) => {
    if (!signal.aborted) log.warn({ err: error }, 'Nobody could tell whether the homeservers publish the signing keys');
  });
}

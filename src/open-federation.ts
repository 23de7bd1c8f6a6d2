import type { Config } from './config/index.ts';
import {
  createFederation,
  createGetJson,
  createRemoteKeys,
  createRequestVerifier,
  createServerReports,
  type DevelopmentSwitches,
  type Federation,
  federationLimits,
  loadSigningKeys,
  type RemoteKeys,
  type ReportServer,
  type SigningKey,
  type VerifyRequest,
  warnOfUnpublishedKeys,
} from './federation/index.ts';
import { parseServerName } from './matrix/index.ts';
import {
  type ConnectionEvent,
  createResolver,
  type OutboundOptions,
  type OutboundParts,
  openOutbound,
  type Resolver,
} from './outbound/index.ts';
import type { Log } from './telemetry/index.ts';

/** Where other servers are. Tests play all of it. */
export interface Internet extends Partial<DevelopmentSwitches> {
  readonly resolver?: Resolver;
  readonly route?: OutboundParts['route'];
  /** Whose certificates are good, as PEM. Default: those whom Node trusts. */
  readonly authorities?: readonly string[];
}

/** All that deals with servers that are not ours, joined. Dispose it. */
export interface OpenFederation extends AsyncDisposable {
  readonly federation: Federation;
  /** By server name. */
  readonly signingKeys: ReadonlyMap<string, SigningKey>;
  readonly verifyRequest: VerifyRequest;
  readonly reportServer: ReportServer;
}

/** For a test that somebody waits for. */
const REPORT_LIMITS = { connectMs: 10_000, headersMs: 15_000, stallMs: 10_000, totalMs: 30_000 };

/** @throws {SigningKeysError} */
export async function openFederation(
  config: Config,
  { log, now }: { readonly log: Log; readonly now: () => number },
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
  const parts = { resolver, log, now, random: Math.random, plainHttp };
  const federation = createFederation({
    ...parts,
    outbound: stack.use(open()),
    backoffAt: () => config.federation.backoffAt,
  });
  const notaries = config.federation.notaries.map(parseServerName);
  const remoteKeys = stack.use(createRemoteKeys({ getJson: createGetJson(federation), notaries, log, now }));
  const verifyRequest = createRequestVerifier({
    findKey: remoteKeys.find,
    isOwn: (serverName) => config.domains.get(serverName.toLowerCase())?.serverName === serverName,
  });
  const closing = new AbortController();
  stack.defer(() => closing.abort(new Error('The service is stopping')));
  lookAtOwnKeys(signingKeys, remoteKeys, log, closing.signal);
  const openParts = stack.move();
  return {
    federation,
    signingKeys,
    verifyRequest,
    reportServer: createServerReports({ ...parts, openOutbound: (watch) => open(watch, REPORT_LIMITS) }),
    [Symbol.asyncDispose]: () => openParts.disposeAsync(),
  };
}

function routeOf({ route }: Internet): Pick<OutboundParts, 'route'> {
  return route === undefined ? {} : { route };
}

function outboundOptions(
  { federation, timeouts }: Config,
  { authorities, anyCertificate = false }: Internet,
  limits = federationLimits(timeouts.federationTimeoutSeconds),
): OutboundOptions {
  const { allowedNetworks: allowed, disallowedNetworks: disallowed } = federation;
  const certificates = { areChecked: !anyCertificate, ...(authorities !== undefined && { authorities }) };
  return { networks: { allowed, disallowed }, limits, certificates };
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

import { createBus } from '../../cluster/index.ts';
import { BadJson, RemoteUnavailable, type ServerName } from '../../matrix/index.ts';
import {
  type ConnectionEvent,
  type Outbound,
  type OutboundAnswer,
  OutboundError,
  type Resolver,
  readBody,
  type Target,
} from '../../outbound/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { createFederation, type Federation } from '../federation.ts';
import { createGetJson } from '../get-json.ts';
import { readServerKeys, UnusableServerKeys } from '../server-keys.ts';
import { isJsonObject, type JsonObject } from '../sign-json.ts';
import { ADVICE, ADVICE_ON } from './advice.ts';
import { createNotebook, type Notebook, type ReportStep } from './report-step.ts';
import { baseUrlOf, watchOutbound, watchResolver } from './watched-network.ts';

/** How another server is found and reached, step by step, as of now. */
export interface ServerReport {
  readonly steps: readonly ReportStep[];
  /** `undefined`: it cannot be reached. */
  readonly reached: ReachedServer | undefined;
}

export interface ReachedServer {
  /** Such as `https://matrix.example.org:8448`. */
  readonly baseUrl: string;
  /** The `Host` header, and the name that the certificate is for. */
  readonly hostname: string;
  /** What it says of its program. */
  readonly version: JsonObject;
}

/** @throws the signal's reason; what goes wrong on the way is in the report */
export type ReportServer = (serverName: ServerName, signal: AbortSignal) => Promise<ServerReport>;

export interface ServerReportParts {
  /** One of its own for each report, so that nothing is open that was checked before. */
  readonly openOutbound: (watch: (event: ConnectionEvent) => void) => Outbound & AsyncDisposable;
  readonly resolver: Resolver;
  readonly log: Log;
  readonly now: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly steadyNow: () => number;
  readonly random: () => number;
  readonly plainHttp: boolean;
}

const VERSION_PATH = '/_matrix/federation/v1/version';
const KEYS_PATH = '/_matrix/key/v2/server';
const MAX_VERSION_BYTES = 65_536;
/** Somebody looks at a terminal meanwhile, and a proxy waits in between. */
const TOTAL_MS = 90_000;

/**
 * Walks the same way as requests do, with the same code, but remembers nothing and takes nothing from what is remembered: neither
 * delegations nor failures.
 */
export function createServerReports(parts: ServerReportParts): ReportServer {
  return async (serverName, signal) => {
    const notebook = createNotebook();
    await using outbound = parts.openOutbound(notebook.noteConnection);
    let place: Target | undefined;
    let reached: ReachedServer | undefined;
    const federation = createFederation({
      ...parts,
      outbound: watchOutbound(outbound, notebook, (target) => {
        place = target;
      }),
      resolver: watchResolver(parts.resolver, notebook),
      bus: createBus(), // nobody is told of a test
      backoffAt: () => Number.MAX_SAFE_INTEGER,
    });
    const ending = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_MS)]);
    try {
      notePlaces(serverName, await federation.discover(serverName, ending), notebook);
      const answer = await federation.request(serverName, { path: VERSION_PATH }, ending);
      const version = await readVersion(answer, notebook);
      if (version !== undefined && place !== undefined) {
        reached = { baseUrl: baseUrlOf(place), hostname: place.authority, version };
        await lookAtKeys(federation, serverName, parts.now, notebook, ending);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (ending.aborted) noteEnd(serverName, notebook);
      else if (!isTold(error)) throw error;
    }
    return { steps: notebook.steps, reached };
  };
}

function noteEnd(serverName: ServerName, { note }: Notebook): void {
  const found = [`The test was not over after ${TOTAL_MS / 1000} seconds`];
  note({ step: 'request', asked: serverName, outcome: 'failed', found, advice: ADVICE.timeout });
}

/** The step in which it failed is in the notebook. */
function isTold(error: unknown): error is RemoteUnavailable {
  return error instanceof RemoteUnavailable;
}

function notePlaces(serverName: ServerName, places: readonly Target[], { steps, note }: Notebook): void {
  const isDelegated = places[0]?.authority !== serverName;
  const isMisunderstood =
    !isDelegated && steps.some(({ step, outcome }) => step === 'delegation' && outcome === 'found');
  note({
    step: 'places',
    asked: serverName,
    outcome: 'found',
    found: places.map((place) => `${baseUrlOf(place)}, as ${place.authority}`),
    ...(isMisunderstood && { advice: ADVICE_ON.badDelegation }),
  });
}

/** A server without this endpoint is there as well: 404 with the Matrix error for it is fine. */
async function readVersion(answer: OutboundAnswer, { note }: Notebook): Promise<JsonObject | undefined> {
  const { status } = answer;
  const failed = (found: string, advice: string) =>
    note({ step: 'version', asked: VERSION_PATH, outcome: 'failed', found: [found], advice });
  try {
    const version = parseObject((await readBody(answer, MAX_VERSION_BYTES)).toString('utf8'));
    if ((status === 200 || status === 404) && version !== undefined) return version;
    failed(
      `status ${status}, ${version === undefined ? 'and what came is not a JSON object' : 'with JSON'}`,
      ADVICE_ON.version,
    );
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    failed(`${error.trouble}: ${error.message}`, ADVICE[error.trouble]);
  }
  return undefined;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined; // a SyntaxError, whose message quotes the text
  }
}

async function lookAtKeys(
  federation: Federation,
  serverName: ServerName,
  now: () => number,
  { note }: Notebook,
  signal: AbortSignal,
): Promise<void> {
  try {
    const document = await createGetJson(federation)(serverName, KEYS_PATH, signal);
    const { verifyKeys, validUntilTs } = readServerKeys(document, serverName, now());
    const until = new Date(validUntilTs).toISOString();
    const found = [...verifyKeys.keys()].map((keyId) => `${keyId}, counts here until ${until}`);
    note({ step: 'keys', asked: KEYS_PATH, outcome: 'found', found });
  } catch (error) {
    if (!(error instanceof UnusableServerKeys || error instanceof BadJson || isTold(error))) throw error;
    note({ step: 'keys', asked: KEYS_PATH, outcome: 'failed', found: [error.message], advice: ADVICE_ON.keys });
  }
}

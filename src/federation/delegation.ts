import { findServerNameProblem, parseServerName, type ServerName } from '../matrix/index.ts';
import { type Outbound, type OutboundAnswer, OutboundError, readBody, type Target } from '../outbound/index.ts';
import { cacheLifetimeMs } from './cache-lifetime.ts';
import { USER_AGENT } from './user-agent.ts';

/** What a host says about who serves its name. */
export type Delegation =
  | { readonly state: 'found'; readonly delegate: ServerName; readonly lifetimeMs: number }
  /** It says nothing, or nothing that can be understood: as good as nothing, and so for a while. */
  | { readonly state: 'absent' }
  /** It could not be asked, and may be able to answer soon. */
  | { readonly state: 'failed' };

export interface DelegationParts {
  readonly outbound: Pick<Outbound, 'get'>;
  readonly now: () => number;
  readonly protocol: Target['protocol'];
}

/** A delegation has a line. */
const MAX_BYTES = 51_200;
const MAX_REDIRECTS = 5;
/** Whoever cannot say this quickly is found without. */
const LIMITS = { headersMs: 10_000, totalMs: 15_000 };
/** Not of the moment. */
const LASTING: ReadonlySet<string> = new Set(['bad redirect', 'too large', 'forbidden address']);

/** Specification: Server-Server API, `GET /.well-known/matrix/server`. @throws the signal's reason */
export async function askDelegation(parts: DelegationParts, host: string, signal: AbortSignal): Promise<Delegation> {
  const url = URL.parse(`${parts.protocol}//${host}/.well-known/matrix/server`);
  if (url === null) return { state: 'absent' };
  const headers = { accept: 'application/json', 'user-agent': USER_AGENT };
  const call = { headers, protocols: [parts.protocol], maxRedirects: MAX_REDIRECTS, limits: LIMITS };
  try {
    return await readDelegation(await parts.outbound.get(url, call, signal), parts.now());
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    return { state: LASTING.has(error.trouble) ? 'absent' : 'failed' };
  }
}

async function readDelegation(answer: OutboundAnswer, nowTs: number): Promise<Delegation> {
  const { status, headers } = answer;
  if (status !== 200) {
    answer.body.destroy();
    return { state: status >= 500 || status === 429 ? 'failed' : 'absent' };
  }
  const delegate = findDelegate((await readBody(answer, MAX_BYTES)).toString('utf8'));
  return delegate === undefined
    ? { state: 'absent' }
    : { state: 'found', delegate, lifetimeMs: cacheLifetimeMs(headers, nowTs) };
}

/** Whatever the content type is. */
function findDelegate(text: string): ServerName | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const name = typeof value === 'object' && value !== null && 'm.server' in value ? value['m.server'] : undefined;
    return typeof name === 'string' && findServerNameProblem(name) === undefined ? parseServerName(name) : undefined;
  } catch {
    return undefined; // a SyntaxError, whose message quotes the text
  }
}

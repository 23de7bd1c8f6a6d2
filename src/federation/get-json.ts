import { RemoteUnavailable, type ServerName } from '../matrix/index.ts';
import { type OutboundAnswer, OutboundError, readBody } from '../outbound/index.ts';
import type { Federation } from './federation.ts';
import type { GetJson, PostJson } from './notaries.ts';

/** Documents about keys have a few hundred bytes. */
const MAX_BYTES = 262_144;
/** A request of another server waits for it. */
const LIMITS = { headersMs: 10_000, stallMs: 5_000, totalMs: 20_000 };

/**
 * For what other servers tell everybody: unsigned, small, and soon or not at all.
 * @returns a function that rejects with {@link RemoteUnavailable} for whatever is not a 200 with JSON
 */
export function createGetJson({ request }: Pick<Federation, 'request'>): GetJson {
  return async (serverName, path, signal) => {
    const call = { path, headers: { accept: 'application/json' }, limits: LIMITS };
    return await readAnswer(serverName, path, await request(serverName, call, signal), signal);
  };
}

/** The same for questions that have a body, and may be asked twice. */
export function createPostJson({ request }: Pick<Federation, 'request'>): PostJson {
  return async (serverName, path, body, signal) => {
    const headers = { accept: 'application/json', 'content-type': 'application/json' };
    const call = { method: 'POST', path, headers, body: JSON.stringify(body), limits: LIMITS } as const;
    return await readAnswer(serverName, path, await request(serverName, call, signal), signal);
  };
}

async function readAnswer(
  serverName: ServerName,
  path: string,
  answer: OutboundAnswer,
  signal: AbortSignal,
): Promise<unknown> {
  if (answer.status !== 200) {
    answer.body.destroy();
    throw new RemoteUnavailable(serverName, 'bad answer', { cause: new Error(`${path}: status ${answer.status}`) });
  }
  try {
    return JSON.parse((await readBody(answer, MAX_BYTES)).toString('utf8')) as unknown;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OutboundError) throw new RemoteUnavailable(serverName, 'bad answer', { cause: error });
    // A SyntaxError, whose message would quote what came.
    throw new RemoteUnavailable(serverName, 'bad answer', { cause: new Error(`${path}: this is not JSON`) });
  }
}

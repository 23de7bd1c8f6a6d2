import { RemoteUnavailable } from '../matrix/index.ts';
import { OutboundError, readBody } from '../outbound/index.ts';
import type { Federation } from './federation.ts';
import type { GetJson } from './notaries.ts';

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
    const answer = await request(serverName, call, signal);
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
  };
}

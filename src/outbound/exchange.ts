import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { OutboundError } from './errors.ts';
import type { Patience, TimeLimits } from './patience.ts';
import type { Pools } from './pools.ts';
import type { Headers } from './redirects.ts';
import type { Target } from './target.ts';

export interface OutboundCall {
  readonly method?: 'GET' | 'HEAD' | 'POST';
  /** Of a POST that may be asked twice. */
  readonly body?: string;
  /** Starts with a slash; with its query. */
  readonly path: string;
  /** Without `Host`. */
  readonly headers?: Headers;
  /** In place of those that all calls have. Connections are shared, and so is their limit. */
  readonly limits?: Partial<Omit<TimeLimits, 'connectMs'>>;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
  /** What answered in the end. */
  readonly url: URL;
}

/** What one exchange has of its own, perhaps of several requests: redirects. */
export interface Exchange {
  readonly pools: Pools;
  readonly patience: Patience;
  readonly limits: TimeLimits;
}

/** One request and its answer. @param url as which the answer is known */
export async function ask(
  { pools, patience, limits }: Exchange,
  target: Target,
  call: OutboundCall,
  url: URL,
): Promise<OutboundAnswer> {
  const options = {
    method: call.method ?? 'GET',
    path: call.path,
    headers: { ...call.headers, host: target.authority },
    ...(call.body !== undefined && { body: call.body }),
    headersTimeout: limits.headersMs,
    bodyTimeout: limits.stallMs,
    signal: patience.signal,
  };
  const headersCame = patience.awaitHeaders();
  try {
    const { statusCode: status, headers, body } = await send(pools.of(target), options, patience.signal);
    body.on('error', () => undefined); // told to whoever reads; nobody may be reading
    return { status, headers, body, url };
  } finally {
    headersCame();
  }
}

async function send(dispatcher: Dispatcher, options: Dispatcher.RequestOptions, signal: AbortSignal) {
  try {
    return await dispatcher.request(options);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OutboundError && error.trouble === 'broken off')) throw error;
    return await dispatcher.request(options); // once more: most likely it was closed while it lay idle
  }
}

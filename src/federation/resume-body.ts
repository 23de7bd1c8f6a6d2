import { type OutboundAnswer, OutboundError } from '../outbound/index.ts';

/** Asks for the same again, with these headers. */
export type AskAgain = (headers: Readonly<Record<string, string>>) => Promise<OutboundAnswer>;

const MAX_RESUMPTIONS = 3;

/**
 * The body of an answer. Where it breaks off, the rest is asked for, if the other side says that it is the rest of the same.
 * RFC 9110, sections 13.1.5 and 14.4.
 * @throws {OutboundError} as the body does, when there is no way to go on
 */
export async function* resumeBody(first: OutboundAnswer, askAgain: AskAgain): AsyncGenerator<Buffer> {
  const whole = describeWhole(first);
  let answer = first;
  for (let received = 0, resumptions = 0; ; resumptions += 1) {
    const before = received;
    try {
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        received += chunk.length;
        if (whole !== undefined && received > whole.bytes)
          throw new OutboundError('protocol', 'There is more than was announced');
        yield chunk;
      }
      if (whole !== undefined && received < whole.bytes) throw new OutboundError('broken off', 'A part ended too soon');
      return;
    } catch (error) {
      const hasBrokenOff = error instanceof OutboundError && error.trouble === 'broken off' && received > before;
      if (whole === undefined || !hasBrokenOff || resumptions === MAX_RESUMPTIONS) throw error;
      const rest = await askAgain({ range: `bytes=${received}-`, 'if-range': whole.etag }).catch(() => undefined);
      if (rest === undefined || !isRestOf(rest, whole, received)) {
        rest?.body.destroy();
        throw error;
      }
      answer = rest;
    }
  }
}

interface Whole {
  /** A strong one: the bytes under it never differ. */
  readonly etag: string;
  readonly bytes: number;
}

/** `undefined`: parts of it cannot be told from parts of something else. */
function describeWhole({ status, headers }: Pick<OutboundAnswer, 'status' | 'headers'>): Whole | undefined {
  const { etag, 'content-length': length } = headers;
  if (status !== 200 || typeof etag !== 'string' || typeof length !== 'string') return undefined;
  return /^"[^"]*"$/.test(etag) && /^\d+$/.test(length) ? { etag, bytes: Number(length) } : undefined;
}

function isRestOf({ status, headers }: OutboundAnswer, whole: Whole, received: number): boolean {
  const length = headers['content-length'];
  if (length !== undefined && length !== String(whole.bytes - received)) return false;
  if (!['identity', undefined].includes(headers['content-encoding']?.toString())) return false;
  const range = `bytes ${received}-${whole.bytes - 1}/${whole.bytes}`;
  return status === 206 && headers['content-range'] === range && (headers['etag'] ?? whole.etag) === whole.etag;
}

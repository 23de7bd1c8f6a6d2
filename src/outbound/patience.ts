import { OutboundError } from './errors.ts';

/** How long each part of an exchange may take. */
export interface TimeLimits {
  /** Until the connection stands: lookup, TCP and TLS. */
  readonly connectMs: number;
  /** From then until the headers of the answer. */
  readonly headersMs: number;
  /** Between two pieces of the body, not counting the time in which nobody wanted one. */
  readonly stallMs: number;
  /** From the first thing done to the last byte, redirects included. 0 or less: no limit. */
  readonly totalMs: number;
}

/** The end of an exchange, whatever brings it about. */
export interface Patience {
  /** Aborts with the asker's reason when the asker leaves, with an {@link OutboundError} when a limit runs out. */
  readonly signal: AbortSignal;
  /** Begins to wait for headers; call what it gives when they are there. */
  awaitHeaders(): () => void;
  /** The exchange is over. */
  end(): void;
}

export function createPatience(limits: TimeLimits, signal: AbortSignal): Patience {
  const ending = new AbortController();
  const leave = () => ending.abort(signal.reason);
  const giveUpAfter = (ms: number, what: string) =>
    setTimeout(() => ending.abort(new OutboundError('timeout', `${what} in ${ms} ms`)), ms);
  signal.addEventListener('abort', leave, { once: true });
  // An answer that nobody has read to its end must not keep a process from ending: its connection does that, if it is open.
  const total = limits.totalMs > 0 ? giveUpAfter(limits.totalMs, 'The answer was not complete').unref() : undefined;
  return {
    signal: ending.signal,
    awaitHeaders() {
      // Beside undici's limit, which counts neither the wait for a free connection nor what trickles in.
      const timer = giveUpAfter(limits.connectMs + limits.headersMs, 'There were no headers');
      return () => clearTimeout(timer);
    },
    end() {
      clearTimeout(total);
      signal.removeEventListener('abort', leave);
    },
  };
}

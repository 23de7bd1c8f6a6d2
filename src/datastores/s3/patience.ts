/** The service has not answered in time. */
class NoAnswer extends Error {
  constructor(ms: number) {
    super(`No answer within ${ms / 1000} seconds`);
  }
}

/**
 * Ends the wait at the limit, whatever `act` does with its signal.
 * @throws {NoAnswer} the signal's reason, or what `act` throws
 */
export async function waitAtMost<T>(
  ms: number,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    reject(reason);
    controller.abort(reason);
  };
  const leave = () => end(signal.reason);
  const timer = setTimeout(() => end(new NoAnswer(ms)), ms);
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([act(controller.signal), ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

/** What a body may take that is sent over a line of 256 KiB a second, the least that is still of use. */
export function msToSend(bytes: number): number {
  return Math.ceil(bytes / 262_144) * 1000;
}

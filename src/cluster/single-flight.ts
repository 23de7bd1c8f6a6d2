/**
 * Does a piece of work once for all who ask for it at the same time. The work is given up when the last of them has
 * left; one who leaves gets the reason of its own signal.
 * @param key equal for equal work
 */
export type SingleFlight<Value> = (
  key: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
) => Promise<Value>;

interface Flight<Value> {
  readonly landed: Promise<Value>;
  readonly controller: AbortController;
  passengers: number;
}

export function createSingleFlight<Value>(): SingleFlight<Value> {
  const flights = new Map<string, Flight<Value>>();

  const start = (key: string, work: (signal: AbortSignal) => Promise<Value>): Flight<Value> => {
    const controller = new AbortController();
    const landed = work(controller.signal).finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    landed.catch(() => undefined); // told to the passengers; there may be none left
    const flight = { landed, controller, passengers: 0 };
    flights.set(key, flight);
    return flight;
  };

  return async (key, signal, work) => {
    signal.throwIfAborted();
    const flight = flights.get(key) ?? start(key, work);
    flight.passengers += 1;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([flight.landed, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      flight.passengers -= 1;
      if (flight.passengers === 0) {
        if (flights.get(key) === flight) flights.delete(key); // nobody may board what is being given up
        flight.controller.abort(signal.reason);
      }
    }
  };
}

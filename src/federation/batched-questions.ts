/**
 * Asks for many things in few questions: the first goes off alone; those that come while it is under way wait, and are
 * asked for together. A question is given up when all for whom it is asked have left.
 */
export type BatchedQuestions<Name extends string, Value> = (
  name: Name,
  signal: AbortSignal,
) => Promise<Value | undefined>;

interface Batch<Name extends string, Value> {
  readonly names: Set<Name>;
  readonly controller: AbortController;
  readonly answer: PromiseWithResolvers<ReadonlyMap<Name, Value>>;
  waiting: number;
}

/**
 * @param maxNames in one question
 * @param ask answers for some of the names or for all; limits its time itself, since a question holds up the next one
 */
export function createBatchedQuestions<Name extends string, Value>(
  maxNames: number,
  ask: (names: readonly Name[], signal: AbortSignal) => Promise<ReadonlyMap<Name, Value>>,
): BatchedQuestions<Name, Value> {
  const queue: Batch<Name, Value>[] = [];
  let isAsking = false;

  const askNext = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      try {
        batch.answer.resolve(await ask([...batch.names], batch.controller.signal));
      } catch (error) {
        batch.answer.reject(error);
      }
    }
    isAsking = false;
  };

  const openBatch = (): Batch<Name, Value> => {
    const last = queue.at(-1);
    if (last !== undefined && last.names.size < maxNames) return last;
    const answer = Promise.withResolvers<ReadonlyMap<Name, Value>>();
    answer.promise.catch(() => undefined); // told to those who wait; there may be none left
    const batch = { names: new Set<Name>(), controller: new AbortController(), answer, waiting: 0 };
    queue.push(batch);
    return batch;
  };

  const giveUp = (batch: Batch<Name, Value>, reason: unknown): void => {
    batch.controller.abort(reason);
    const place = queue.indexOf(batch);
    if (place !== -1) queue.splice(place, 1); // nobody may join what is given up
  };

  return async (name, signal) => {
    signal.throwIfAborted();
    const batch = openBatch();
    batch.names.add(name);
    batch.waiting += 1;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    void askNext(); // never rejects: what goes wrong is told to those who wait
    try {
      return (await Promise.race([batch.answer.promise, left])).get(name);
    } finally {
      signal.removeEventListener('abort', leave);
      batch.waiting -= 1;
      if (batch.waiting === 0) giveUp(batch, signal.reason);
    }
  };
}

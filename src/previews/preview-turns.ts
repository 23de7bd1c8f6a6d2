import { createTurns, type Turns } from '../cluster/index.ts';
import { Unavailable } from '../matrix/index.ts';

/** Lets so many links be looked at at once; the others wait, in the order in which they came. */
export interface PreviewTurns {
  /**
   * @param userId who asks: one user has half of all turns at most, so that one with slow links leaves some for the others
   * @param max of now; 0 or less: no limit
   * @throws {Unavailable} when too many wait. The signal's reason when it aborts first
   */
  take(userId: string, max: number, signal: AbortSignal): Promise<Disposable>;
}

const MAX_WAITING = 1_000;
const MAX_WAITING_OF_ONE = MAX_WAITING / 2;

interface User {
  readonly turns: Turns;
  /** Who has a turn is among them. */
  asked: number;
  waiting: number;
}

export function createPreviewTurns(): PreviewTurns {
  const all = createTurns();
  const users = new Map<string, User>();
  let waiting = 0;
  return {
    async take(userId, max, signal) {
      const user = users.get(userId) ?? { turns: createTurns(), asked: 0, waiting: 0 };
      if (waiting >= MAX_WAITING || user.waiting >= MAX_WAITING_OF_ONE) {
        throw new Unavailable('Too many links wait for their previews; try again');
      }
      using stack = new DisposableStack();
      users.set(userId, user);
      user.asked += 1;
      stack.defer(() => {
        user.asked -= 1;
        if (user.asked === 0) users.delete(userId);
      });
      using _ = startWaiting(user);
      stack.use(await user.turns.take(max > 0 ? Math.ceil(max / 2) : 0, signal));
      stack.use(await all.take(max, signal));
      return stack.move();
    },
  };

  function startWaiting(user: User): Disposable {
    waiting += 1;
    user.waiting += 1;
    return {
      [Symbol.dispose]() {
        waiting -= 1;
        user.waiting -= 1;
      },
    };
  }
}

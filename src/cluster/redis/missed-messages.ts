import { LRUCache } from 'lru-cache';

/** Finds out whether all has come that was sent. Messages of one sender may overtake one another. */
export interface MissedMessages {
  /** @param number of the message, which its sender counts up by one each time */
  note(sender: string, number: number): void;
  /**
   * To be called now and then for a sender, after `note`.
   * @returns whether one that was missing at the last time has not come since
   */
  check(sender: string): boolean;
  /** From here on, what was sent before is not expected. */
  startAnew(): void;
}

interface Sender {
  newest: number;
  missing: number;
  wasMissing: boolean;
}

/** There are no more than 1024 processes; those that have gone are forgotten. */
const MAX_SENDERS = 2048;

export function createMissedMessages(): MissedMessages {
  const senders = new LRUCache<string, Sender>({ max: MAX_SENDERS });
  return {
    note(name, number) {
      const sender = senders.get(name) ?? { newest: number - 1, missing: 0, wasMissing: false };
      senders.set(name, sender);
      sender.missing += number > sender.newest ? number - sender.newest - 1 : -1;
      sender.newest = Math.max(sender.newest, number);
    },
    check(name) {
      const sender = senders.get(name);
      if (sender === undefined) return false;
      const isMissing = sender.missing > 0;
      const isLost = isMissing && sender.wasMissing;
      sender.wasMissing = isMissing && !isLost;
      if (isLost || sender.missing < 0) sender.missing = 0;
      return isLost;
    },
    startAnew: () => senders.clear(),
  };
}

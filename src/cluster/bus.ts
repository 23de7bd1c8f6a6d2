import type { Channel } from './channel.ts';
import { createListeners } from './listeners.ts';

/**
 * Tells whoever waits for something that it has happened, in this process at once and in others soon. Messages are not
 * kept for those who come later, and one may come twice.
 */
export interface Bus {
  publish(channel: Channel, message: string): void;
  /**
   * @param listener is called for each such message until the subscription is disposed, and also when one may have been
   *   missed: look whether it has happened. Must not throw
   */
  subscribe(channel: Channel, message: string, listener: () => void): Disposable;
  /** All that other processes say on the channel. @param listener must not throw */
  hearOthers(channel: Channel, listener: (message: string) => void): Disposable;
  /** Messages of other processes may have been missed: what depends on them is to be forgotten. */
  onGap(listener: () => void): Disposable;
}

/** Within this process. */
export function createBus(): Bus {
  const listeners = createListeners();
  return {
    publish: listeners.tell,
    subscribe: listeners.add,
    hearOthers: listeners.addForOthers,
    onGap: listeners.addForGap,
  };
}

/** What is told: `upload_mxc` says that the media of the mxc URI in the message has arrived. */
export type Channel = 'upload_mxc';

/** Tells whoever waits for something that it has happened. Messages are not kept for those who come later. */
export interface Bus {
  publish(channel: Channel, message: string): void;
  /** @param listener is called for each such message until the subscription is disposed; must not throw */
  subscribe(channel: Channel, message: string, listener: () => void): Disposable;
}

/** Within this process. */
export function createBus(): Bus {
  const listeners = new Map<string, Set<() => void>>();
  const topicOf = (channel: Channel, message: string) => `${channel} ${message}`;
  return {
    publish(channel, message) {
      for (const listener of [...(listeners.get(topicOf(channel, message)) ?? [])]) listener();
    },
    subscribe(channel, message, listener) {
      const topic = topicOf(channel, message);
      const ofTopic = listeners.get(topic) ?? new Set();
      listeners.set(topic, ofTopic.add(listener));
      return {
        [Symbol.dispose]() {
          ofTopic.delete(listener);
          if (ofTopic.size === 0 && listeners.get(topic) === ofTopic) listeners.delete(topic);
        },
      };
    },
  };
}

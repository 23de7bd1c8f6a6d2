import type { Channel } from './channel.ts';

/** Who listens to what, within this process. */
export interface Listeners {
  /** @param listener is called for each such message, and when one may have been missed; must not throw */
  add(channel: Channel, message: string, listener: () => void): Disposable;
  addForOthers(channel: Channel, listener: (message: string) => void): Disposable;
  addForGap(listener: () => void): Disposable;
  /** What this process says. */
  tell(channel: Channel, message: string): void;
  /** What another process says. */
  tellFromOther(channel: Channel, message: string): void;
  /** Messages of other processes may have been missed. */
  tellGap(): void;
}

export function createListeners(): Listeners {
  const ofMessages = createTopics<() => void>();
  const ofOthers = createTopics<(message: string) => void>();
  const ofGaps = createTopics<() => void>();
  const topicOf = (channel: Channel, message: string) => `${channel} ${message}`;
  const tell = (channel: Channel, message: string) => {
    for (const listener of ofMessages.of(topicOf(channel, message))) listener();
  };
  return {
    add: (channel, message, listener) => ofMessages.add(topicOf(channel, message), listener),
    addForOthers: (channel, listener) => ofOthers.add(channel, listener),
    addForGap: (listener) => ofGaps.add('', listener),
    tell,
    tellFromOther(channel, message) {
      tell(channel, message);
      for (const listener of ofOthers.of(channel)) listener(message);
    },
    tellGap() {
      for (const listener of [...ofGaps.all(), ...ofMessages.all()]) listener();
    },
  };
}

/** Listeners by topic. What is given out is a copy, so that a listener may leave while others are told. */
function createTopics<Listener>() {
  const topics = new Map<string, Set<Listener>>();
  return {
    add(topic: string, listener: Listener): Disposable {
      const ofTopic = topics.get(topic) ?? new Set();
      topics.set(topic, ofTopic.add(listener));
      return {
        [Symbol.dispose]() {
          ofTopic.delete(listener);
          if (ofTopic.size === 0 && topics.get(topic) === ofTopic) topics.delete(topic);
        },
      };
    },
    of: (topic: string): readonly Listener[] => [...(topics.get(topic) ?? [])],
    all: (): readonly Listener[] => [...topics.values()].flatMap((ofTopic) => [...ofTopic]),
  };
}

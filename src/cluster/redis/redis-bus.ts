import { randomUUID } from 'node:crypto';
import type { Bus } from '../bus.ts';
import type { Channel } from '../channel.ts';
import type { RedisConnection } from '../cluster.ts';
import { createListeners, type Listeners } from '../listeners.ts';
import type { Link } from './link.ts';
import { RedisAway } from './link.ts';
import type { Place } from './make-client.ts';
import { createMissedMessages } from './missed-messages.ts';

/** So often a process says something, so that one that hears nothing knows that it is deaf. */
const BEAT_MS = 2_000;
const DEAF_AFTER_MS = 3 * BEAT_MS;

/** What is said besides messages: `beat` that somebody is there. */
type Said = readonly [from: string, number: number, channel: Channel | 'beat', message: string];

export interface RedisBus extends Bus, AsyncDisposable {
  /** Resolves when it listens everywhere, which may be never. */
  readonly listening: Promise<unknown>;
  /** The connections that it listens with. */
  ears(): readonly RedisConnection[];
}

export interface RedisBusParts {
  /** One connection each, which is for listening only. */
  readonly places: readonly Place[];
  /** Those that commands go through, in the same order. */
  readonly links: readonly Link[];
  readonly channel: string;
  readonly now: () => number;
}

/**
 * Says everything to all shards and listens to all of them, so that processes that see different shards hear each other.
 * All that is said has a number, so that whoever has missed something finds out at the next beat or the one after it.
 */
export function createRedisBus({ places, links, channel, now }: RedisBusParts): RedisBus {
  const self = randomUUID();
  const listeners = createListeners();
  let lastNumber = 0;

  /** What does not get through somewhere is missed there, by its number. */
  const say = (about: Channel | 'beat', message: string) => {
    lastNumber += 1;
    const said = JSON.stringify([self, lastNumber, about, message] satisfies Said);
    for (const link of links) {
      link
        .run((client) => client.publish(channel, said))
        .catch((error: unknown) => {
          if (!(error instanceof RedisAway)) throw error; // told by the link
        });
    }
  };
  const ears = places.map((place) => openEar(place, { channel, self, listeners, now }));
  const timer = setInterval(() => {
    say('beat', '');
    for (const [index, ear] of ears.entries()) ear.look(links[index]?.isUp === true);
  }, BEAT_MS);
  timer.unref();

  return {
    publish(about, message) {
      listeners.tell(about, message);
      say(about, message);
    },
    subscribe: listeners.add,
    hearOthers: listeners.addForOthers,
    onGap: listeners.addForGap,
    listening: Promise.all(ears.map((ear) => ear.listening)),
    // One that is silent may be listened to for a long time.
    ears: () =>
      ears.map(({ name, isListening }, index) => {
        return { name, connection: 'messages', isUp: isListening && links[index]?.isUp === true };
      }),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      for (const ear of ears) ear.close();
    },
  };
}

/** `undefined`: somebody else uses the channel. Newer versions may say more than this one knows; then nobody listens. */
function readSaid(text: string): Said | undefined {
  try {
    const said: unknown = JSON.parse(text);
    if (!Array.isArray(said) || said.length !== 4) return undefined;
    const [from, number, ...words] = said as unknown[];
    const isSaid = [from, ...words].every((word) => typeof word === 'string') && Number.isSafeInteger(number);
    return isSaid ? (said as unknown as Said) : undefined; // each part has been looked at
  } catch {
    return undefined;
  }
}

interface EarParts {
  readonly channel: string;
  /** Whose words are not heard. */
  readonly self: string;
  readonly listeners: Listeners;
  readonly now: () => number;
}

function openEar(place: Place, { channel, self, listeners, now }: EarParts) {
  const client = place.connect();
  const missed = createMissedMessages();
  const { promise: listening, resolve: listens } = Promise.withResolvers<void>();
  let heardTs = now();
  let isListening = false;
  client.on('error', () => undefined); // told by the link to the same place
  client.on('message', (_channel: string, text: string) => {
    heardTs = now();
    const said = readSaid(text);
    if (said === undefined) return;
    const [from, number, about, message] = said;
    if (from === self) return;
    missed.note(from, number);
    if (about !== 'beat') listeners.tellFromOther(about, message);
    else if (missed.check(from)) listeners.tellGap();
  });
  client.on('ready', () => {
    client.subscribe(channel).then(
      () => {
        heardTs = now();
        isListening = true;
        missed.startAnew();
        listeners.tellGap(); // what was said until now
        listens();
      },
      () => client.disconnect(true),
    );
  });
  client.on('close', () => {
    isListening = false;
  });
  return {
    name: place.name,
    listening,
    get isListening() {
      return isListening;
    },
    /** @param isSpokenTo whether what we say comes through */
    look(isSpokenTo: boolean) {
      if (!isSpokenTo || now() - heardTs < DEAF_AFTER_MS) return;
      heardTs = now();
      isListening = false;
      client.disconnect(true);
    },
    close: () => client.disconnect(),
  };
}

import { randomUUID } from 'node:crypto';
import type { Bus } from '../bus.ts';
import type { Channel } from '../channel.ts';
import { createListeners } from '../listeners.ts';
import type { Link } from './link.ts';
import { RedisAway } from './link.ts';
import type { Place } from './make-client.ts';

/** So often a process says something, so that one that hears nothing knows that it is deaf. */
const BEAT_MS = 2_000;
const DEAF_AFTER_MS = 3 * BEAT_MS;

/** What is said besides messages: `beat` that somebody is there, `gap` that others have missed something. */
type Said = readonly [from: string, channel: Channel | 'beat' | 'gap', message: string];

export interface RedisBus extends Bus, AsyncDisposable {
  /** Resolves when it listens everywhere, which may be never. */
  readonly listening: Promise<unknown>;
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
 * What cannot be said to anybody is made up for by a call to forget.
 */
export function createRedisBus({ places, links, channel, now }: RedisBusParts): RedisBus {
  const self = randomUUID();
  const listeners = createListeners();
  let owesGap = false;

  const say = (...words: [channel: Said[1], message: string]) => {
    const said = JSON.stringify([self, ...words] satisfies Said);
    const sent = links.map((link) => link.run((client) => client.publish(channel, said)));
    return Promise.any(sent);
  };
  const sayOrOwe = (...words: [channel: Channel, message: string]) => {
    say(...words).catch((error: unknown) => {
      if (!isAway(error)) throw error;
      owesGap = true;
    });
  };
  const payGap = () => {
    if (!owesGap) return;
    owesGap = false;
    say('gap', '').catch(() => {
      owesGap = true;
    });
  };
  for (const link of links) link.onUp(payGap);

  const hear = (text: string) => {
    const said = readSaid(text);
    if (said === undefined) return;
    const [from, about, message] = said;
    if (from === self || about === 'beat') return;
    if (about === 'gap') listeners.tellGap();
    else listeners.tellFromOther(about, message);
  };
  const ears = places.map((place) => openEar(place, channel, { hear, missed: listeners.tellGap, now }));
  const timer = setInterval(() => {
    say('beat', '').catch(() => undefined); // told by the link
    for (const [index, ear] of ears.entries()) ear.look(links[index]?.isUp === true);
  }, BEAT_MS);
  timer.unref();

  return {
    publish(about, message) {
      listeners.tell(about, message);
      sayOrOwe(about, message);
    },
    subscribe: listeners.add,
    hearOthers: listeners.addForOthers,
    onGap: listeners.addForGap,
    listening: Promise.all(ears.map((ear) => ear.listening)),
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
    const isSaid = Array.isArray(said) && said.length === 3 && said.every((word) => typeof word === 'string');
    return isSaid ? (said as unknown as Said) : undefined;
  } catch {
    return undefined;
  }
}

function isAway(error: unknown): boolean {
  return error instanceof AggregateError && error.errors.every((each) => each instanceof RedisAway);
}

interface EarParts {
  readonly hear: (text: string) => void;
  /** The connection was broken for a while. */
  readonly missed: () => void;
  readonly now: () => number;
}

function openEar(place: Place, channel: string, { hear, missed, now }: EarParts) {
  const client = place.connect();
  let heardTs = now();
  let isFirst = true;
  const { promise: listening, resolve: listens } = Promise.withResolvers<void>();
  client.on('error', () => undefined); // told by the link to the same place
  client.on('message', (_channel: string, text: string) => {
    heardTs = now();
    hear(text);
  });
  client.on('ready', () => {
    client.subscribe(channel).then(
      () => {
        heardTs = now();
        if (!isFirst) missed();
        isFirst = false;
        listens();
      },
      () => client.disconnect(true),
    );
  });
  return {
    listening,
    /** @param isSpokenTo whether what we say comes through */
    look(isSpokenTo: boolean) {
      if (!isSpokenTo || now() - heardTs < DEAF_AFTER_MS) return;
      heardTs = now();
      client.disconnect(true);
    },
    close: () => client.disconnect(),
  };
}

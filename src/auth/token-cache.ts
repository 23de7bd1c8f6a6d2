import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Bus, createSingleFlight } from '../cluster/index.ts';
import type { Whoami, WhoamiQuestion } from '../homeservers/index.ts';
import { UnknownToken } from '../matrix/index.ts';

/**
 * Remembers whose token it is. Simultaneous askers share one question; that a homeserver is in trouble is never
 * remembered, and a refusal only briefly, because an account may be unlocked at any time.
 */
export interface TokenCache {
  /**
   * @param serverName the domain: a token means something to one homeserver only
   * @param maxSeconds how long an answer may be used; 0 or less: not at all
   */
  whoami(
    serverName: string,
    question: WhoamiQuestion,
    maxSeconds: number,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<Whoami>,
  ): Promise<Whoami>;
  /** What is remembered of a good token. */
  recall(serverName: string, question: WhoamiQuestion, maxSeconds: number): Whoami | undefined;
  /** Forgets everything that is known about the token, as whomever it was used, in all processes. */
  forgetToken(serverName: string, token: string): void;
  /** As `forgetToken`, for all tokens of the user. */
  forgetUser(userId: string): void;
}

export interface TokenCacheParts {
  readonly bus: Bus;
  readonly now: () => number;
}

const MAX_TOKENS = 20_000;
const REFUSAL_MS = 10_000;

interface Entry {
  readonly tokenDigest: string;
  readonly answer: Whoami | UnknownToken;
  readonly untilMs: number;
}

export function createTokenCache({ bus, now }: TokenCacheParts): TokenCache {
  const entries = new LRUCache<string, Entry>({ maxSize: MAX_TOKENS, sizeCalculation: () => 1 });
  const shareQuestion = createSingleFlight<Whoami>();
  /** Counts up with every forgetting: an answer that was asked for before is not kept after it. */
  let age = 0;

  const forget = (isMeant: (entry: Entry) => boolean) => {
    age += 1;
    for (const [key, entry] of entries) if (isMeant(entry)) entries.delete(key);
  };
  const forgetMeant = (kind: string, meant: string) => {
    if (kind === 'token') forget(({ tokenDigest }) => tokenDigest === meant);
    else forget(({ answer }) => !(answer instanceof UnknownToken) && answer.userId === meant);
  };
  const forgetEverywhere = (kind: 'token' | 'user', meant: string) => {
    forgetMeant(kind, meant);
    bus.publish('tokens_forgotten', `${kind} ${meant}`);
  };
  // One that is missed is used until its time is up: better that than to lose all while a homeserver is away.
  bus.hearOthers('tokens_forgotten', (message) => {
    const [kind = ''] = message.split(' ', 1);
    forgetMeant(kind, message.slice(kind.length + 1));
  });

  const find = (key: string, maxSeconds: number) => {
    const known = maxSeconds > 0 ? entries.get(key) : undefined;
    return known !== undefined && now() < known.untilMs ? known.answer : undefined;
  };

  return {
    recall(serverName, question, maxSeconds) {
      const answer = find(keyOf(digestOf(serverName, question.token), question), maxSeconds);
      return answer instanceof UnknownToken ? undefined : answer;
    },
    async whoami(serverName, question, maxSeconds, signal, ask) {
      const tokenDigest = digestOf(serverName, question.token);
      const key = keyOf(tokenDigest, question);
      const known = find(key, maxSeconds);
      if (known instanceof UnknownToken) throw known;
      if (known !== undefined) return known;
      const askedAtAge = age;
      const keep = (answer: Whoami | UnknownToken, ms: number) => {
        if (ms > 0 && askedAtAge === age) entries.set(key, { tokenDigest, answer, untilMs: now() + ms });
      };
      try {
        const answer = await shareQuestion(`${age} ${key}`, signal, ask);
        keep(answer, maxSeconds * 1000);
        return answer;
      } catch (error) {
        if (error instanceof UnknownToken) keep(error, Math.min(maxSeconds * 1000, REFUSAL_MS));
        throw error;
      }
    },
    forgetToken: (serverName, token) => forgetEverywhere('token', digestOf(serverName, token)),
    forgetUser: (userId) => forgetEverywhere('user', userId),
  };
}

/** Of one length, however long the names in the question are. */
function keyOf(tokenDigest: string, { userId, deviceId }: WhoamiQuestion): string {
  if (userId === undefined && deviceId === undefined) return tokenDigest;
  return hash('sha256', `${tokenDigest}\0${userId ?? ''}\0${deviceId ?? ''}`, 'base64');
}

/** The token itself is not kept in memory. */
function digestOf(serverName: string, token: string): string {
  return hash('sha256', `${serverName}\0${token}`, 'base64');
}

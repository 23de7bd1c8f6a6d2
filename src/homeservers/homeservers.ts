import type { Dispatcher } from 'undici';
import { Agent } from 'undici';
import { HomeserverUnavailable, shorten, UnknownToken } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import {
  callHomeserver,
  type HomeserverAccess,
  type HomeserverAnswer,
  type HomeserverCall,
} from './call-homeserver.ts';
import { readRefusal } from './read-refusal.ts';
import { serverNameOfUser } from './user-id.ts';
import { readVersions, type Versions } from './versions.ts';
import { askedAs, readWhoami, type Whoami, type WhoamiQuestion, whoamiPath } from './whoami.ts';

export type { Versions, Whoami, WhoamiQuestion };

/** The homeservers whose media is kept here. */
export interface Homeservers {
  /**
   * Asks whose token it is. The user belongs to the domain: tokens of other domains are refused.
   * @throws {UnknownToken} @throws {RefusedByHomeserver} with what the homeserver said
   * @throws {HomeserverUnavailable} when there is no sensible answer in time
   * @throws the signal's reason when it aborts first
   */
  whoami(domain: HomeserverAccess, question: WhoamiQuestion, signal: AbortSignal): Promise<Whoami>;
  /**
   * Ends the session of the token, or all of its user's. Throws as `whoami`.
   * Specification: Client-Server API, `POST /_matrix/client/v3/logout`.
   */
  logout(domain: HomeserverAccess, question: LogoutQuestion, signal: AbortSignal): Promise<void>;
  /** What the homeserver supports, for the one who asks. Throws as `whoami`. Specification: VER-1. */
  versions(domain: HomeserverAccess, question: VersionsQuestion, signal: AbortSignal): Promise<Versions>;
}

export interface LogoutQuestion extends WhoamiQuestion {
  readonly everywhere: boolean;
}

export interface VersionsQuestion {
  readonly token: string | undefined;
  readonly clientAddress: string;
}

export interface HomeserversParts {
  /** Stays the caller's to close. Without it, connections are opened here and closed at the end. */
  readonly dispatcher?: Dispatcher;
  readonly log: Log;
  readonly now: () => number;
}

/** Where the configuration says 0 or less. */
const DEFAULT_BACKOFF_AT = 10;
/** To one homeserver. Calls beyond that wait for a free one, within their own time limit. */
const MAX_CONNECTIONS = 64;

export function createHomeservers(parts: HomeserversParts): Homeservers & AsyncDisposable {
  const dispatcher = parts.dispatcher ?? openAgent();
  const breakerOf = rememberBreakers(parts);
  /** A refusal is an answer too: it tells of the asker, not of the homeserver. */
  const ask = async <Value>(
    domain: HomeserverAccess,
    call: HomeserverCall,
    read: (answer: HomeserverAnswer) => Value,
    signal: AbortSignal,
  ): Promise<Value> => {
    const failuresAllowed = domain.backoffAt > 0 ? domain.backoffAt : DEFAULT_BACKOFF_AT;
    const { value, refusal } = await breakerOf(domain).guard(failuresAllowed, async () => {
      const answer = await callHomeserver(dispatcher, domain, call, signal);
      if (answer.status === 200) return { value: read(answer) };
      const refused = readRefusal(answer, call.token ?? '');
      if (refused instanceof HomeserverUnavailable) throw refused;
      return { refusal: refused };
    });
    if (refusal !== undefined) throw refusal;
    return value;
  };
  return {
    async whoami(domain, question, signal) {
      const { token, clientAddress } = question;
      const call = { path: whoamiPath(question), token, clientAddress };
      const whoami = await ask(domain, call, readWhoami, signal);
      refuseOtherDomains(domain, whoami, parts.log);
      return whoami;
    },
    async logout(domain, question, signal) {
      const { token, clientAddress, everywhere } = question;
      const path = `/_matrix/client/v3/logout${everywhere ? '/all' : ''}${askedAs(question)}`;
      await ask(domain, { method: 'POST', path, token, clientAddress }, () => undefined, signal);
    },
    async versions(domain, { token, clientAddress }, signal) {
      const call = { path: '/_matrix/client/versions', token, clientAddress };
      return await ask(domain, call, readVersions, signal);
    },
    async [Symbol.asyncDispose]() {
      if (parts.dispatcher === undefined) await dispatcher.destroy();
    },
  };
}

/** One for each homeserver: domains that share it share its troubles. */
function rememberBreakers({ log, now }: HomeserversParts): (domain: HomeserverAccess) => Breaker {
  const breakers = new Map<string, Breaker>();
  return ({ serverName, csApi }) => {
    const known = breakers.get(csApi);
    if (known !== undefined) return known;
    const onChange = (state: 'paused' | 'recovered', pauseMs: number) => {
      if (state === 'recovered') log.info({ serverName, csApi }, 'The homeserver answers again');
      else
        log.warn({ serverName, csApi, pauseMs }, 'The homeserver fails again and again, and is left alone for a while');
    };
    const breaker = createBreaker({ now, onChange });
    breakers.set(csApi, breaker);
    return breaker;
  };
}

/** The time limit of each call stands in for undici's limits on header and body. */
function openAgent(): Agent {
  return new Agent({ connections: MAX_CONNECTIONS, headersTimeout: 0, bodyTimeout: 0, allowH2: false });
}

function refuseOtherDomains({ serverName, csApi }: HomeserverAccess, { userId }: Whoami, log: Log): void {
  if (serverNameOfUser(userId) === serverName) return;
  log.warn(
    { serverName, csApi, userId: shorten(userId) },
    'The homeserver named a user of another server; is csApi right?',
  );
  throw new UnknownToken();
}

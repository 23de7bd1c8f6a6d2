import type { Dispatcher } from 'undici';
import { Agent } from 'undici';
import { shorten, UnknownToken } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import { callHomeserver, type HomeserverAccess } from './call-homeserver.ts';
import { readRefusal } from './read-refusal.ts';
import { serverNameOfUser } from './user-id.ts';
import { readWhoami, type Whoami, type WhoamiQuestion, whoamiPath } from './whoami.ts';

export type { Whoami, WhoamiQuestion };

/** The homeservers whose media is kept here. */
export interface Homeservers {
  /**
   * Asks whose token it is. The user belongs to the domain: tokens of other domains are refused.
   * @throws {UnknownToken} @throws {RefusedByHomeserver} with what the homeserver said
   * @throws {HomeserverUnavailable} when there is no sensible answer in time
   * @throws the signal's reason when it aborts first
   */
  whoami(domain: HomeserverAccess, question: WhoamiQuestion, signal: AbortSignal): Promise<Whoami>;
}

export interface HomeserversParts {
  /** Stays the caller's to close. Without it, connections are opened here and closed at the end. */
  readonly dispatcher?: Dispatcher;
  readonly log: Log;
}

/** To one homeserver. Calls beyond that wait for a free one, within their own time limit. */
const MAX_CONNECTIONS = 64;

export function createHomeservers(parts: HomeserversParts): Homeservers & AsyncDisposable {
  const dispatcher = parts.dispatcher ?? openAgent();
  return {
    async whoami(domain, question, signal) {
      const { token, clientAddress } = question;
      const call = { path: whoamiPath(question), token, clientAddress };
      const answer = await callHomeserver(dispatcher, domain, call, signal);
      if (answer.status !== 200) throw readRefusal(answer, token);
      const whoami = readWhoami(answer);
      refuseOtherDomains(domain, whoami, parts.log);
      return whoami;
    },
    async [Symbol.asyncDispose]() {
      if (parts.dispatcher === undefined) await dispatcher.destroy();
    },
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

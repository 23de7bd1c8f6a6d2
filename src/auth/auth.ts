import type { Config, DomainConfig } from '../config/index.ts';
import type { HomeserverAccess, Homeservers } from '../homeservers/index.ts';
import { Forbidden, shorten } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import { type Appservice, findAppserviceUser, prepareAppservices } from './appservices.ts';
import { digestSecret, isSameSecret } from './secret.ts';

/** Who sent a request, as far as it matters for media. */
export interface Asker {
  /** `@sharedsecret`, which is no user ID of any server, for the holder of the shared secret. */
  readonly userId: string;
  readonly isGuest: boolean;
  readonly isSharedSecret: boolean;
  /** Named in `admins`, or holds the shared secret. Has all rights in all domains. */
  readonly isRepoAdmin: boolean;
}

export interface Credentials {
  readonly token: string;
  /** `?user_id=`: whom an application service wants to act as. Empty counts as absent. */
  readonly userId?: string | undefined;
  /** `?device_id=`, of that user. Only the homeserver can check it. */
  readonly deviceId?: string | undefined;
  readonly clientAddress: string;
}

export interface Auth {
  /**
   * Tells whose token it is in the domain of the request. Asks, in this order: the shared secret, the application
   * services of the configuration, the homeserver.
   * @throws {UnknownToken} @throws {RefusedByHomeserver} @throws {HomeserverUnavailable}
   * @throws {Forbidden} when an application service may not act as the user
   * @throws the signal's reason when it aborts first
   */
  identify(credentials: Credentials, config: ConfigOfAll, domain: ConfigOfDomain, signal: AbortSignal): Promise<Asker>;
}

type ConfigOfAll = Pick<Config, 'admins' | 'sharedSecretAuth'>;
type ConfigOfDomain = HomeserverAccess & Pick<DomainConfig, 'accessTokens'>;

export interface AuthParts {
  readonly homeservers: Homeservers;
  readonly log: Log;
}

const SHARED_SECRET_HOLDER: Asker = {
  userId: '@sharedsecret',
  isGuest: false,
  isSharedSecret: true,
  isRepoAdmin: true,
};

export function createAuth({ homeservers, log }: AuthParts): Auth {
  const appservicesOf = rememberAppservices();
  return {
    async identify(credentials, config, domain, signal) {
      const { token, deviceId, clientAddress } = credentials;
      if (isSharedSecret(token, config.sharedSecretAuth)) return SHARED_SECRET_HOLDER;
      const userId = credentials.userId || undefined;
      const asked = { token, userId, serverName: domain.serverName };
      const found = findAppserviceUser(appservicesOf(domain.accessTokens), asked);
      if (found.answer === 'refused') throw refuse(found.appserviceId, userId ?? '', log);
      if (found.answer === 'user') return toAsker({ userId: found.userId, isGuest: false }, config.admins);
      const question = { token, userId, deviceId, clientAddress };
      return toAsker(await homeservers.whoami(domain, question, signal), config.admins);
    },
  };
}

/** The log tells the operator: matrix-media-repo was content when a namespace matched a part of the user ID. */
function refuse(appserviceId: string, userId: string, log: Log): Forbidden {
  const fields = { appservice: appserviceId, userId: shorten(userId) };
  log.warn(fields, 'No namespace of the application service matches the whole user ID that it wants to act as');
  return new Forbidden('The application service may not act as this user');
}

function isSharedSecret(token: string, { enabled, token: secret }: Config['sharedSecretAuth']): boolean {
  return enabled && secret !== '' && isSameSecret(digestSecret(token), digestSecret(secret));
}

function toAsker({ userId, isGuest }: { userId: string; isGuest: boolean }, admins: readonly string[]): Asker {
  return { userId, isGuest, isSharedSecret: false, isRepoAdmin: !isGuest && admins.includes(userId) };
}

/** Prepares the entries of each snapshot of the configuration once, and forgets them with it. */
function rememberAppservices(): (settings: DomainConfig['accessTokens']) => readonly Appservice[] {
  const prepared = new WeakMap<DomainConfig['accessTokens'], readonly Appservice[]>();
  return (settings) => {
    if (!settings.useLocalAppserviceConfig) return [];
    const known = prepared.get(settings);
    if (known !== undefined) return known;
    const appservices = prepareAppservices(settings.appservices);
    prepared.set(settings, appservices);
    return appservices;
  };
}

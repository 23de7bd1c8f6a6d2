import type { Bus } from '../cluster/index.ts';
import type { Config, DomainConfig } from '../config/index.ts';
import type { HomeserverAccess, Homeservers, Versions, WhoamiQuestion } from '../homeservers/index.ts';
import { Forbidden, MatrixError, shorten } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import { type Appservice, findAppserviceUser, prepareAppservices } from './appservices.ts';
import { isSameSecret, prepareSecret } from './secret.ts';
import { createTokenCache } from './token-cache.ts';

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
  /** The same from what is known already. `undefined`: has to be asked for, or is refused. */
  recall(credentials: Credentials, config: ConfigOfAll, domain: ConfigOfDomain): Asker | undefined;
  /**
   * Ends the session of the token at its homeserver, or all sessions of its user, and forgets them here in any case.
   * Throws as `identify`, and {@link Forbidden} for the shared secret, which has no session.
   */
  logout(
    credentials: Credentials & { readonly everywhere: boolean },
    config: ConfigOfAll,
    domain: ConfigOfDomain,
    signal: AbortSignal,
  ): Promise<void>;
  /** What the homeserver supports, as it tells the holder of the token, or anybody. */
  versions(
    credentials: { readonly token: string | undefined; readonly clientAddress: string },
    config: ConfigOfAll,
    domain: ConfigOfDomain,
    signal: AbortSignal,
  ): Promise<Versions>;
}

type ConfigOfAll = Pick<Config, 'admins' | 'sharedSecretAuth'>;
type ConfigOfDomain = HomeserverAccess & Pick<DomainConfig, 'accessTokens'>;

/** `undefined`: the homeserver has to be asked. */
type Configured = Asker | { readonly refusedBy: string } | undefined;

export interface AuthParts {
  readonly homeservers: Homeservers;
  readonly bus: Bus;
  readonly log: Log;
  readonly now: () => number;
}

const SHARED_SECRET_HOLDER: Asker = {
  userId: '@sharedsecret',
  isGuest: false,
  isSharedSecret: true,
  isRepoAdmin: true,
};

export function createAuth({ homeservers, bus, log, now }: AuthParts): Auth {
  const appservicesOf = rememberAppservices();
  const tokens = createTokenCache({ bus, now });

  /** Without the homeserver: what the configuration says of the token. */
  const findConfigured = (
    { token, userId }: WhoamiQuestion,
    config: ConfigOfAll,
    domain: ConfigOfDomain,
  ): Configured => {
    if (isSharedSecret(token, config.sharedSecretAuth)) return SHARED_SECRET_HOLDER;
    const { serverName, accessTokens } = domain;
    const found = findAppserviceUser(appservicesOf(accessTokens), { token, userId, serverName });
    if (found.answer === 'refused') return { refusedBy: found.appserviceId };
    return found.answer === 'user' ? toAsker({ userId: found.userId, isGuest: false }, config.admins) : undefined;
  };

  const identify: Auth['identify'] = async (credentials, config, domain, signal) => {
    const question = questionOf(credentials);
    const configured = findConfigured(question, config, domain);
    if (configured !== undefined && 'refusedBy' in configured) {
      throw refuse(configured.refusedBy, question.userId ?? '', log);
    }
    if (configured !== undefined) return configured;
    const { serverName, accessTokens } = domain;
    const ask = (asked: AbortSignal) => homeservers.whoami(domain, question, asked);
    return toAsker(
      await tokens.whoami(serverName, question, accessTokens.maxCacheTimeSeconds, signal, ask),
      config.admins,
    );
  };

  /** `undefined` for those who cannot be identified, such as locked users, who may still log out (ACC-1). */
  const findUserId = async (...asked: Parameters<Auth['identify']>): Promise<string | undefined> => {
    try {
      return (await identify(...asked)).userId;
    } catch (error) {
      if (error instanceof MatrixError) return undefined;
      throw error;
    }
  };

  return {
    identify,
    recall(credentials, config, domain) {
      const question = questionOf(credentials);
      const configured = findConfigured(question, config, domain);
      if (configured !== undefined) return 'refusedBy' in configured ? undefined : configured;
      const known = tokens.recall(domain.serverName, question, domain.accessTokens.maxCacheTimeSeconds);
      return known && toAsker(known, config.admins);
    },
    async logout(credentials, config, domain, signal) {
      const { token, everywhere } = credentials;
      if (isSharedSecret(token, config.sharedSecretAuth))
        throw new Forbidden('The shared secret has no session to end');
      const userId = everywhere ? await findUserId(credentials, config, domain, signal) : undefined;
      const forget = () => {
        tokens.forgetToken(domain.serverName, token);
        if (userId !== undefined) tokens.forgetUser(userId);
      };
      try {
        await homeservers.logout(domain, { ...credentials, userId: credentials.userId || undefined }, signal);
      } finally {
        forget(); // also when nobody knows what has become of the call
      }
    },
    async versions(credentials, config, domain, signal) {
      const { token, clientAddress } = credentials;
      const isSecret = token !== undefined && isSharedSecret(token, config.sharedSecretAuth);
      return await homeservers.versions(domain, { token: isSecret ? undefined : token, clientAddress }, signal);
    },
  };
}

/** An empty user ID counts as absent. */
function questionOf({ token, userId, deviceId, clientAddress }: Credentials): WhoamiQuestion {
  return { token, userId: userId || undefined, deviceId, clientAddress };
}

/** The log tells the operator: matrix-media-repo was content when a namespace matched a part of the user ID. */
function refuse(appserviceId: string, userId: string, log: Log): Forbidden {
  const fields = { appservice: appserviceId, userId: shorten(userId) };
  log.warn(fields, 'No namespace of the application service matches the whole user ID that it wants to act as');
  return new Forbidden('The application service may not act as this user');
}

function isSharedSecret(token: string, { enabled, token: secret }: Config['sharedSecretAuth']): boolean {
  return enabled && secret !== '' && isSameSecret(token, prepareSecret(secret));
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

import { RE2JS } from 're2js';
import type { DomainConfig } from '../config/index.ts';
import { serverNameOfUser } from '../homeservers/index.ts';
import { isSameSecret, prepareSecret, type Secret } from './secret.ts';

/** An application service as its entry in the configuration tells, ready to be asked. */
export interface Appservice {
  /** For the log. */
  readonly id: string;
  readonly asToken: Secret;
  /** Empty: it acts as the users of its namespaces only. */
  readonly senderUserId: string;
  /** Of the sender; `undefined` without one. */
  readonly serverName: string | undefined;
  readonly userNamespaces: readonly RE2JS[];
}

export interface AppserviceQuestion {
  readonly token: string;
  /** Whom the holder wants to act as; `undefined`: as the service's own user. */
  readonly userId: string | undefined;
  readonly serverName: string;
}

export type AppserviceAnswer =
  /** No entry for the domain knows the token, or none can tell who it is. */
  | { readonly answer: 'unknown' }
  | { readonly answer: 'user'; readonly userId: string }
  /** The token is good, but not for this user. */
  | { readonly answer: 'refused'; readonly appserviceId: string };

/** An entry without a token knows nobody, and is left out. */
export function prepareAppservices(entries: DomainConfig['accessTokens']['appservices']): readonly Appservice[] {
  return entries
    .filter(({ asToken }) => asToken !== '')
    .map(({ id, asToken, senderUserId, userNamespaces }) => ({
      id,
      asToken: prepareSecret(asToken),
      senderUserId,
      serverName: serverNameOfUser(senderUserId),
      userNamespaces: userNamespaces.map(({ regex }) => RE2JS.compile(regex)),
    }));
}

/**
 * Answers as the homeserver would: a namespace has to match the whole user ID, and nobody acts as a user of another server.
 * An entry whose sender is of another domain does not count in this one.
 * Specification: Application Service API, "Identity assertion".
 */
export function findAppserviceUser(
  appservices: readonly Appservice[],
  { token, userId, serverName }: AppserviceQuestion,
): AppserviceAnswer {
  const known = appservices.filter((entry) => isSameSecret(token, entry.asToken) && isOf(entry, serverName));
  const [first] = known;
  if (first === undefined) return { answer: 'unknown' };
  if (userId === undefined) {
    const sender = known.find(({ senderUserId }) => senderUserId !== '')?.senderUserId;
    return sender === undefined ? { answer: 'unknown' } : { answer: 'user', userId: sender };
  }
  if (known.some((entry) => mayActAs(entry, userId, serverName))) return { answer: 'user', userId };
  return { answer: 'refused', appserviceId: first.id };
}

function isOf(entry: Appservice, serverName: string): boolean {
  return entry.senderUserId === '' || entry.serverName === serverName;
}

function mayActAs({ senderUserId, userNamespaces }: Appservice, userId: string, serverName: string): boolean {
  if (serverNameOfUser(userId) !== serverName) return false;
  return userId === senderUserId || userNamespaces.some((namespace) => namespace.testExact(userId));
}

import { HomeserverUnavailable } from '../matrix/index.ts';
import type { HomeserverAnswer } from './call-homeserver.ts';
import { serverNameOfUser } from './user-id.ts';

export interface WhoamiQuestion {
  readonly token: string;
  /** Whom an application service wants to act as. */
  readonly userId?: string | undefined;
  /** Which of that user's devices it wants to be. */
  readonly deviceId?: string | undefined;
  /** The homeserver records it as the place from which the token was used. */
  readonly clientAddress: string;
}

export interface Whoami {
  readonly userId: string;
  readonly isGuest: boolean;
}

export function whoamiPath(question: WhoamiQuestion): string {
  return `/_matrix/client/v3/account/whoami${askedAs(question)}`;
}

/** The query that names whom an application service acts as; empty when it names nobody. */
export function askedAs({ userId, deviceId }: Pick<WhoamiQuestion, 'userId' | 'deviceId'>): string {
  const query = new URLSearchParams();
  if (userId) query.set('user_id', userId);
  if (deviceId) query.set('device_id', deviceId);
  return query.size > 0 ? `?${query}` : '';
}

/**
 * Older homeservers flag guests by the name that the flag had as a proposal (MSC3069).
 * @throws {HomeserverUnavailable} when it names no user
 */
export function readWhoami({ body }: HomeserverAnswer): Whoami {
  const userId = body['user_id'];
  if (typeof userId !== 'string' || serverNameOfUser(userId) === undefined) {
    throw new HomeserverUnavailable('bad answer', { cause: new Error('whoami was answered without a valid user_id') });
  }
  const isGuest = body['is_guest'] ?? body['org.matrix.msc3069.is_guest'];
  return { userId, isGuest: isGuest === true };
}

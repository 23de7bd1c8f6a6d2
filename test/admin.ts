import { setTimeout } from 'node:timers/promises';
import { ask, type TestService } from './service.ts';

const SECRET = 'a-secret-of-the-operator';
const PREFIX = '/_matrix/media/unstable/admin';

/** Sections of a configuration with which {@link askAsAdmin} is an administrator. */
export const ADMIN_SECTIONS = { sharedSecretAuth: { enabled: true, token: SECRET } } as const;

export interface AdminAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks an endpoint below `…/admin`. */
export async function askAsAdmin(
  { url }: Pick<TestService, 'url'>,
  path: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<AdminAnswer> {
  const answer = await ask(url, PREFIX + path, { method, headers: { authorization: `Bearer ${SECRET}` } });
  return { status: answer.status, body: (await answer.json()) as AdminAnswer['body'] };
}

/** Looks at a background task until it is finished. */
export async function untilFinished(service: Pick<TestService, 'url'>, taskId: unknown): Promise<AdminAnswer['body']> {
  for (;;) {
    const { body } = await askAsAdmin(service, `/tasks/${taskId}`);
    if (body['is_finished'] === true) return body;
    await setTimeout(20);
  }
}

import type { TestContext } from 'node:test';
import { type FakeHomeserver, startFakeHomeserver } from './fake-homeserver.ts';
import {
  type ConfigSections,
  ENGINES,
  SERVER_NAME,
  startTestService,
  type TestService,
  uploadBytes,
} from './service.ts';

/** A service on SQLite with a played homeserver behind it, so that every kind of account can ask. */
export interface ServedUsers extends TestService {
  readonly homeserver: FakeHomeserver;
  /** Asks with the token of that user, who needs no more than a name. */
  askAs(localpart: string, path: string, init?: RequestInit): Promise<Response>;
  /** Asks without a token. */
  askOpenly(path: string, init?: RequestInit): Promise<Response>;
}

/** Stopped after the test, as is its homeserver. */
export async function startWithUsers(t: TestContext, sections: ConfigSections = {}): Promise<ServedUsers> {
  const homeserver = await startFakeHomeserver();
  t.after(() => homeserver[Symbol.asyncDispose]());
  const service = await startTestService(t, ENGINES[0], {
    homeservers: [{ name: SERVER_NAME, csApi: homeserver.url }],
    accessTokens: { maxCacheTimeSeconds: 0 },
    ...sections,
  });
  const withHeaders = (init: RequestInit, headers: Readonly<Record<string, string>>): RequestInit => {
    const all = new Headers(init.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    return { redirect: 'manual', ...init, headers: all };
  };
  return {
    ...service,
    homeserver,
    askAs: (localpart, path, init = {}) =>
      service.ask(path, withHeaders(init, { authorization: `Bearer ${homeserver.addUser(localpart)}` })),
    askOpenly: (path, init = {}) => fetch(service.url + path, withHeaders(init, { 'x-forwarded-host': SERVER_NAME })),
  };
}

/** Uploads as alice. @returns the `content_uri` */
export async function uploadAsAlice(
  { askAs }: Pick<ServedUsers, 'askAs'>,
  bytes: Uint8Array,
  named: Parameters<typeof uploadBytes>[2] = {},
): Promise<string> {
  return await uploadBytes((path, init) => askAs('alice', path, init), bytes, named);
}

/** Of a Matrix error, without the text for people. */
export async function errorOf(answer: Response): Promise<{ status: number; errcode: unknown }> {
  const body = (await answer.json()) as Record<string, unknown>;
  if (typeof body['error'] !== 'string') throw new Error(`No text in ${JSON.stringify(body)}`);
  return { status: answer.status, errcode: body['errcode'] };
}

/** The path of media without its endpoint. @param contentUri `mxc://…` */
export function mediaPathOf(contentUri: string): string {
  return contentUri.slice('mxc://'.length);
}

import { HomeserverUnavailable } from '../matrix/index.ts';
import type { HomeserverAnswer } from './call-homeserver.ts';

/** What `GET /_matrix/client/versions` answers; other keys of the homeserver are kept. */
export interface Versions extends Readonly<Record<string, unknown>> {
  readonly versions: readonly unknown[];
}

/** @throws {HomeserverUnavailable} when it lists no versions in a form that makes sense */
export function readVersions({ body }: HomeserverAnswer): Versions {
  const versions = body['versions'] ?? [];
  if (Array.isArray(versions)) return { ...body, versions };
  throw new HomeserverUnavailable('bad answer', { cause: new Error('"versions" is no list') });
}

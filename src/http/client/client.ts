import type { FastifyInstance } from 'fastify';
import { about } from './about.ts';
import { blurhash } from './blurhash.ts';
import { config } from './config.ts';
import { create } from './create.ts';
import { download } from './download.ts';
import { identicon } from './identicon.ts';
import { info } from './info.ts';
import { localCopy } from './local-copy.ts';
import { logout } from './logout.ts';
import { previewUrl } from './preview-url.ts';
import type { Route, RouteParts } from './route.ts';
import { thumbnail } from './thumbnail.ts';
import { fillUpload, upload } from './upload.ts';
import { usage } from './usage.ts';
import { versions } from './versions.ts';

const WITH_TOKEN = [config, previewUrl, download.authenticated, thumbnail.authenticated];
const OPEN = [upload, fillUpload, config, previewUrl, download.open, thumbnail.open];

/** Prefixes and what is below each. The names with dots are those that the features had as proposals. */
const SURFACES: readonly (readonly [prefix: string, routes: readonly Route[]])[] = [
  ['/_matrix/client/v1/media', WITH_TOKEN],
  ['/_matrix/client/unstable/org.matrix.msc3916/media', WITH_TOKEN],
  ['/_matrix/media/r0', [...OPEN, identicon]],
  ['/_matrix/media/v1', [...OPEN, create]],
  ['/_matrix/media/v3', OPEN],
  ['/_matrix/media/unstable/fi.mau.msc2246', [create, fillUpload]],
  ['/_matrix/media/unstable/org.matrix.msc4034', [usage]],
  ['/_matrix/media/unstable/xyz.amorgan', [upload, blurhash]],
  ['/_matrix/media/unstable', [info, localCopy]],
  ['/_matrix/media/unstable/io.t2bot.media', [info, localCopy]],
  ['/_matrix/media', [about]],
  ['/_matrix/client/r0', [logout]],
  ['/_matrix/client/v3', [logout]],
  ['/_matrix/client', [versions]],
];

/** What Matrix clients talk to. Specification: Client-Server API, "Content repository". */
export async function client(app: FastifyInstance, parts: RouteParts): Promise<void> {
  for (const [prefix, routes] of SURFACES) {
    await app.register(
      async (surface) => {
        for (const route of routes) route(surface, parts);
      },
      { prefix },
    );
  }
}

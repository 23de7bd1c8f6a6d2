import type { FastifyInstance } from 'fastify';
import { config } from './config.ts';
import { download } from './download.ts';
import type { ClientParts } from './route.ts';
import { thumbnail } from './thumbnail.ts';
import { upload } from './upload.ts';

const OLD_VERSIONS = ['r0', 'v1', 'v3'] as const;

/** What Matrix clients talk to. Specification: Client-Server API, "Content repository". */
export async function client(app: FastifyInstance, parts: ClientParts): Promise<void> {
  await app.register(
    async (surface) => {
      for (const route of [config, download.authenticated, thumbnail.authenticated]) route(surface, parts);
    },
    { prefix: '/_matrix/client/v1/media' },
  );
  for (const version of OLD_VERSIONS) {
    await app.register(
      async (surface) => {
        for (const route of [upload, config, download.open, thumbnail.open]) route(surface, parts);
      },
      { prefix: `/_matrix/media/${version}` },
    );
  }
}

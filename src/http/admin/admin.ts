import type { FastifyInstance } from 'fastify';
import { federationTest } from './federation-test.ts';
import type { AdminParts } from './route.ts';

/** Both are MMR's; scripts have either. */
const PREFIXES = ['/_matrix/media/unstable/admin', '/_matrix/media/unstable/io.t2bot.media/admin'];

/** What those who run the repository talk to. */
export async function admin(app: FastifyInstance, parts: AdminParts): Promise<void> {
  for (const prefix of PREFIXES) {
    await app.register(
      async (surface) => {
        for (const route of [federationTest]) route(surface, parts);
      },
      { prefix },
    );
  }
}

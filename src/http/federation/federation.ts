import type { FastifyInstance } from 'fastify';
import { authenticateServer } from './authenticate-server.ts';
import { download } from './download.ts';
import type { FederationRouteParts } from './route.ts';
import { thumbnail } from './thumbnail.ts';

/** The second one is the name that the endpoints had as a proposal. */
const PREFIXES = ['/_matrix/federation/v1/media', '/_matrix/federation/unstable/org.matrix.msc3916/media'];

/** What other servers talk to. Specification: Server-Server API, "Content Repository". */
export async function federation(app: FastifyInstance, parts: FederationRouteParts): Promise<void> {
  for (const prefix of PREFIXES) {
    await app.register(
      async (surface) => {
        const authenticate = authenticateServer(parts.verifyRequest);
        for (const route of [download, thumbnail]) route(surface, parts, authenticate);
      },
      { prefix },
    );
  }
}

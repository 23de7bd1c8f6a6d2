import type { FastifyInstance } from 'fastify';
import { estimateDatastore, listDatastores, transferDatastore } from './datastores.ts';
import { federationTest } from './federation-test.ts';
import type { AdminParts, AdminRoute } from './route.ts';
import { cancelTask, listTasks, showTask } from './tasks.ts';

/** Both are MMR's; scripts have either. */
const PREFIXES = ['/_matrix/media/unstable/admin', '/_matrix/media/unstable/io.t2bot.media/admin'];

const ROUTES: readonly AdminRoute[] = [
  federationTest,
  ...[listDatastores, estimateDatastore, transferDatastore],
  ...[listTasks, showTask, cancelTask],
];

/** What those who run the repository talk to. */
export async function admin(app: FastifyInstance, parts: AdminParts): Promise<void> {
  for (const prefix of PREFIXES) {
    await app.register(
      async (surface) => {
        for (const route of ROUTES) route(surface, parts);
      },
      { prefix },
    );
  }
}

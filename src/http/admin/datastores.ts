import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { DatastoreConfig } from '../../config/index.ts';
import { BadRequest } from '../../matrix/index.ts';
import { EVERYTHING_BEFORE_TS, STORAGE_MIGRATION, type StorageMigrationParams } from '../../upkeep/index.ts';
import { readText } from '../query.ts';
import { authenticatedRepoAdmin } from './authenticate-admin.ts';
import type { AdminRoute } from './route.ts';

const estimateParams = Type.Object({ datastoreId: Type.String() });
const transferParams = Type.Object({ sourceId: Type.String(), targetId: Type.String() });

const schemas = {
  list: { summary: 'List the datastores', response: { 200: Type.Record(Type.String(), Type.Unknown()) } },
  estimate: { summary: 'Tell how much of a datastore was last used before a time', params: estimateParams },
  transfer: { summary: 'Move objects to another datastore', params: transferParams },
};

/** `GET …/admin/datastores`: those of all domains. */
export const listDatastores: AdminRoute = (app, { auth }) => {
  app.get(
    '/datastores',
    { schema: schemas.list, config: { action: 'list_datastores' }, onRequest: authenticatedRepoAdmin(auth) },
    async (request, reply) =>
      reply
        .header('Cache-Control', 'no-store')
        .send(Object.fromEntries(request.config.allDatastores.map((datastore) => [datastore.id, describe(datastore)]))),
  );
};

/** `GET …/admin/datastores/{id}/size_estimate`. Zeros for one that does not exist, as with matrix-media-repo. */
export const estimateDatastore: AdminRoute = (app, { auth, estimateStorage, now }) => {
  app.get<{ Params: Static<typeof estimateParams> }>(
    '/datastores/:datastoreId/size_estimate',
    { schema: schemas.estimate, config: { action: 'get_storage_estimate' }, onRequest: authenticatedRepoAdmin(auth) },
    async (request, reply) => {
      const estimate = await estimateStorage(
        request.params.datastoreId,
        readBeforeTs(request) ?? now(),
        request.signal,
      );
      return reply.header('Cache-Control', 'no-store').send(estimate);
    },
  );
};

/**
 * `POST …/admin/datastores/{source}/transfer_to/{target}`: starts a task. Without `before_ts` all that the source holds is
 * moved, also what is used meanwhile.
 */
export const transferDatastore: AdminRoute = (app, { auth, estimateStorage, tasks }) => {
  app.post<{ Params: Static<typeof transferParams> }>(
    '/datastores/:sourceId/transfer_to/:targetId',
    { schema: schemas.transfer, config: { action: 'datastore_transfer' }, onRequest: authenticatedRepoAdmin(auth) },
    async (request, reply) => {
      const { sourceId, targetId } = request.params;
      const known = new Set(request.config.allDatastores.map(({ id }) => id));
      const beforeTs = readBeforeTs(request) ?? EVERYTHING_BEFORE_TS;
      if (sourceId === targetId) throw new BadRequest('Source and target datastore cannot be the same');
      if (!known.has(sourceId)) throw new BadRequest('Source datastore does not appear to exist');
      if (!known.has(targetId)) throw new BadRequest('Target datastore does not appear to exist');
      const estimate = await estimateStorage(sourceId, beforeTs, request.signal);
      const task: StorageMigrationParams = {
        source_datastore_id: sourceId,
        target_datastore_id: targetId,
        before_ts: beforeTs,
      };
      const taskId = await tasks.start(STORAGE_MIGRATION, task);
      return reply.header('Cache-Control', 'no-store').send({ ...estimate, task_id: taskId });
    },
  );
};

/** In the form of matrix-media-repo. */
function describe({ type, opts }: DatastoreConfig): { readonly type: string; readonly uri: string } {
  const { path = '', endpoint = '', bucketName = '' } = opts;
  return { type, uri: type === 'file' ? path : `s3://${endpoint}/${bucketName}` };
}

/** @throws {BadRequest} */
function readBeforeTs(request: FastifyRequest): number | undefined {
  const text = readText(request, 'before_ts');
  if (text === undefined) return undefined;
  const ts = Number(text);
  if (/^[+-]?\d+$/.test(text) && Number.isSafeInteger(ts)) return ts;
  throw new BadRequest('Error parsing before_ts: it has to be a whole number of milliseconds');
}

import type { FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import { BadRequest, NotFound } from '../../matrix/index.ts';
import type { Task } from '../../tasks/index.ts';
import { authenticatedRepoAdmin } from './authenticate-admin.ts';
import type { AdminRoute } from './route.ts';

const params = Type.Object({ taskId: Type.String() });

const schemas = {
  all: { summary: 'List all background tasks', response: { 200: Type.Array(Type.Unknown()) } },
  unfinished: {
    summary: 'List the background tasks that are not finished',
    response: { 200: Type.Array(Type.Unknown()) },
  },
  one: { summary: 'Tell of a background task', params },
  cancel: { summary: 'Cancel a background task', params },
};

/** `GET …/admin/tasks/all` and `…/unfinished`, in the order of their making. */
export const listTasks: AdminRoute = (app, { auth, tasks }) => {
  for (const which of ['all', 'unfinished'] as const) {
    const schema = schemas[which];
    const config = { action: `list_${which}_background_tasks` };
    app.get(`/tasks/${which}`, { schema, config, onRequest: authenticatedRepoAdmin(auth) }, async (_request, reply) =>
      uncached(reply).send((await tasks.list(which)).map(describeTask)),
    );
  }
};

/** `GET …/admin/tasks/{taskId}`. */
export const showTask: AdminRoute = (app, { auth, tasks }) => {
  app.get<{ Params: Static<typeof params> }>(
    '/tasks/:taskId',
    { schema: schemas.one, config: { action: 'get_background_task' }, onRequest: authenticatedRepoAdmin(auth) },
    async (request, reply) => {
      const task = await tasks.find(parseTaskId(request.params.taskId));
      if (task === undefined) throw new NotFound();
      return uncached(reply).send(describeTask(task));
    },
  );
};

/** `POST …/admin/tasks/{taskId}/cancel`, which matrix-media-repo does not have. The task ends as soon as it notices. */
export const cancelTask: AdminRoute = (app, { auth, tasks }) => {
  app.post<{ Params: Static<typeof params> }>(
    '/tasks/:taskId/cancel',
    { schema: schemas.cancel, config: { action: 'cancel_background_task' }, onRequest: authenticatedRepoAdmin(auth) },
    async (request, reply) => {
      const task = await tasks.cancel(parseTaskId(request.params.taskId));
      if (task === undefined) throw new NotFound();
      return uncached(reply).send(describeTask(task));
    },
  );
};

function uncached(reply: FastifyReply): FastifyReply {
  return reply.header('Cache-Control', 'no-store');
}

const MAX_ID = 2 ** 31 - 1;

/** @throws {BadRequest} {@link NotFound} for a number that no task can have */
function parseTaskId(text: string): number {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw new BadRequest('invalid task ID');
  const id = Number(text);
  if (id < 0 || id > MAX_ID) throw new NotFound();
  return id;
}

/** Under matrix-media-repo's names; `progress` is ours. */
function describeTask({ id, name, params: given, startTs, endTs, error, progress }: Task) {
  return {
    task_id: id,
    task_name: name,
    params: given,
    start_ts: startTs,
    end_ts: endTs ?? 0,
    is_finished: endTs !== undefined,
    error_message: error,
    ...(progress !== undefined && { progress }),
  };
}

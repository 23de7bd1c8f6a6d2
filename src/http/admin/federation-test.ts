import { type Static, Type } from 'typebox';
import type { ReportStep, ServerReport } from '../../federation/index.ts';
import { parseServerName, RemoteTestFailed, type ServerName } from '../../matrix/index.ts';
import { authenticatedRepoAdmin } from './authenticate-admin.ts';
import type { AdminRoute } from './route.ts';

const params = Type.Object({ serverName: Type.String() });

const schema = { summary: 'Explain how another server is found and reached', params };

/**
 * `GET …/admin/federation/test/{serverName}`. `base_url`, `hostname` and `versions_response` are MMR's; a failure has the steps
 * too, since it is the one that has to be explained.
 */
export const federationTest: AdminRoute = (app, { auth, reportServer }) => {
  app.get<{ Params: Static<typeof params> }>(
    '/federation/test/:serverName',
    { schema, config: { action: 'federation_test' }, onRequest: authenticatedRepoAdmin(auth) },
    async (request, reply) => {
      const serverName = parseServerName(request.params.serverName);
      const report = await reportServer(serverName, request.signal);
      return reply.header('Cache-Control', 'no-store').send(answerOf(serverName, report));
    },
  );
};

function answerOf(serverName: ServerName, { steps, reached }: ServerReport) {
  const told = { server_name: serverName, steps: steps.map(describeStep) };
  if (reached === undefined) throw new RemoteTestFailed(serverName, told);
  return {
    base_url: reached.baseUrl,
    hostname: reached.hostname,
    versions_response: reached.version,
    ...told,
  };
}

/** In the form of the names that stand beside them. */
function describeStep({ connections, ...step }: ReportStep) {
  return { ...step, connections: connections.map((event) => underscored(event)) };
}

function underscored(object: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value as unknown,
    ]),
  );
}

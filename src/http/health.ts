import type { FastifyInstance } from 'fastify';

/** How the parts are that the service stands on, by name; `undefined`: well. */
export type Readiness = ReadonlyMap<string, string | undefined>;

export interface HealthParts {
  readonly checkReadiness: (signal: AbortSignal) => Promise<Readiness>;
}

/** `/healthz`: the process is alive. `/readyz`: it can serve. Both for any host, without a token. */
export function health(app: FastifyInstance, { checkReadiness }: HealthParts): void {
  const quiet = { logLevel: 'warn' as const, exposeHeadRoute: false };
  app.route({
    ...quiet,
    method: ['GET', 'HEAD'],
    url: '/healthz',
    config: { action: 'healthz' },
    handler: async (_request, reply) =>
      reply.header('Cache-Control', 'no-store').send({ ok: true, status: 'Probably not dead' }),
  });
  app.route({
    ...quiet,
    method: ['GET', 'HEAD'],
    url: '/readyz',
    config: { action: 'readyz' },
    handler: async (request, reply) => {
      const parts = await checkReadiness(request.signal);
      const ok = [...parts.values()].every((trouble) => trouble === undefined);
      const told = Object.fromEntries([...parts].map(([name, trouble]) => [name, trouble ?? 'ok']));
      return reply
        .code(ok ? 200 : 503)
        .header('Cache-Control', 'no-store')
        .send({ ok, parts: told });
    },
  });
}

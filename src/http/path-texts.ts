import type { FastifyInstance } from 'fastify';

/**
 * Parameters of a path are texts, and schemas of them ask for no more as a rule, because our own parsers say what is wrong
 * with them. Fastify would compile a check for each such route, in a good part of the time that it takes to start; here
 * those routes get none. To be called before the routes are registered.
 */
export function spareChecksOfTexts(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { params, body, querystring, headers } = route.schema ?? {};
    const isAboutPath = [body, querystring, headers].every((schema) => schema === undefined);
    if (isAboutPath && asksForTexts(params)) route.validatorCompiler = () => () => true;
  });
}

/** Whether every text passes for every parameter of the schema. */
function asksForTexts(schema: unknown): boolean {
  if (!isRecord(schema)) return false;
  const { type, properties, required: _, description: __, ...more } = schema;
  if (type !== 'object' || !isRecord(properties) || Object.keys(more).length > 0) return false;
  return Object.values(properties).every((property) => {
    if (!isRecord(property)) return false;
    const { type: own, description: ___, ...rest } = property;
    return own === 'string' && Object.keys(rest).length === 0;
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

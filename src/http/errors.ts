import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  BadRequest,
  InternalError,
  InvalidParam,
  MatrixError,
  MethodNotAllowed,
  MissingParam,
  RangeNotSatisfiable,
  Stalled,
  TooLarge,
} from '../matrix/index.ts';

/** The client went away before its answer was complete; there is nobody to tell. */
export class ClientLeft extends Error {
  constructor() {
    super('The client left before the answer was complete');
  }
}

interface ErrorBody {
  readonly errcode: string;
  readonly error: string;
  readonly mr_errcode: string;
}

export function bodyOf(error: MatrixError): ErrorBody {
  return { ...error.extra, errcode: error.errcode, error: error.message, mr_errcode: error.mrErrcode };
}

/** The one place where what was thrown becomes an answer. Specification: C-1 to C-10. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = asMatrixError(thrown);
  logError(error, thrown, request);
  for (const name of ['ETag', 'Content-Type', 'Content-Disposition', 'Content-Length', 'Content-Range']) {
    reply.removeHeader(name); // of the answer that did not come about
  }
  reply.header('Cache-Control', 'no-store');
  if (error.retryAfterSeconds !== undefined) reply.header('Retry-After', error.retryAfterSeconds);
  if (error instanceof Stalled) reply.header('Connection', 'close'); // nobody waits for the rest
  if (error instanceof MethodNotAllowed) reply.header('Allow', error.allowed.join(', '));
  if (error instanceof RangeNotSatisfiable) reply.header('Content-Range', `bytes */${error.sizeBytes}`);
  reply.code(error.status).header('Content-Type', 'application/json');
  return reply.send(JSON.stringify(bodyOf(error)));
}

function logError(error: MatrixError, thrown: unknown, request: FastifyRequest): void {
  if (thrown instanceof ClientLeft || request.signal.aborted) {
    request.log.debug({ err: thrown }, 'The client left');
  } else if (error instanceof InternalError) {
    request.log.error({ err: thrown }, 'A request failed');
  } else if (error.cause !== undefined) {
    const level = error.status === 507 ? 'error' : 'warn';
    request.log[level]({ err: thrown }, 'A request was refused');
  }
}

function asMatrixError(thrown: unknown): MatrixError {
  if (thrown instanceof MatrixError) return thrown;
  return isFrameworkError(thrown) ? fromFramework(thrown) : new InternalError({ cause: thrown });
}

/** What Fastify throws for requests that it cannot take. */
interface FrameworkError extends Error {
  readonly statusCode?: number;
  readonly validation?: readonly ValidationFinding[];
  readonly validationContext?: string;
}

interface ValidationFinding {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

function isFrameworkError(thrown: unknown): thrown is FrameworkError {
  return thrown instanceof Error && ('validation' in thrown || ('statusCode' in thrown && 'code' in thrown));
}

function fromFramework(error: FrameworkError): MatrixError {
  const finding = error.validation?.[0];
  if (finding?.keyword === 'required')
    return new MissingParam(`"${String(finding.params['missingProperty'])}" is missing`);
  if (finding !== undefined) {
    return new InvalidParam(
      `"${finding.instancePath.slice(1)}" ${finding.message ?? 'has a value that is not allowed'}`,
    );
  }
  if (error.statusCode === 413) return new TooLarge('The body is larger than this endpoint accepts');
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new BadRequest('The request cannot be understood');
  return new InternalError({ cause: error });
}

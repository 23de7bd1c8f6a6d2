import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/index.ts';
import type { ReportServer } from '../../federation/index.ts';

export interface AdminParts {
  readonly auth: Auth;
  readonly reportServer: ReportServer;
}

/** One endpoint, registered below a prefix. */
export type AdminRoute = (app: FastifyInstance, parts: AdminParts) => void;

/** A hook that lets only some of those who ask go on. */
export type Gate = (request: FastifyRequest) => Promise<void>;

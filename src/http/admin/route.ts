import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/index.ts';
import type { StorageEstimate } from '../../database/index.ts';
import type { ReportServer } from '../../federation/index.ts';
import type { Tasks } from '../../tasks/index.ts';

export interface AdminParts {
  readonly auth: Auth;
  readonly reportServer: ReportServer;
  readonly tasks: Tasks;
  readonly estimateStorage: (datastoreId: string, beforeTs: number, signal: AbortSignal) => Promise<StorageEstimate>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One endpoint, registered below a prefix. */
export type AdminRoute = (app: FastifyInstance, parts: AdminParts) => void;

/** A hook that lets only some of those who ask go on. */
export type Gate = (request: FastifyRequest) => Promise<void>;

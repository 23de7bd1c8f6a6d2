import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Asker } from '../auth/index.ts';
import type { Config, DomainConfig } from '../config/index.ts';
import type { MatrixError } from '../matrix/index.ts';
import { findClientAddress } from './client-address.ts';
import { ClientLeft } from './errors.ts';
import { findDomain } from './hosts.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The configuration when the request began; it stays the same to its end. */
    readonly config: Config;
    /** The domain that the request is for. @throws {UnknownHost} */
    readonly domain: DomainConfig;
    /** Without port; found by `client-address.ts`. */
    readonly clientAddress: string;
    /** Aborts when the client leaves before its answer is complete. */
    readonly signal: AbortSignal;
    /** `Content-Type` as the client sent it. */
    declaredType: string | undefined;
    /** Who is asking, on endpoints where that has been found out. */
    asker: Asker | undefined;
    /** Why nobody could tell who is asking, on endpoints where that is not needed for all media. */
    identityTrouble: MatrixError | undefined;
    /** Behind the others; not to be read elsewhere. */
    context: Context | undefined;
  }
}

/** What the properties above are read from. Worked out when first asked for, so that nobody pays unused. */
class Context {
  readonly config: Config;
  readonly controller = new AbortController();
  /** Of the TCP connection; not to be had any more when that is closed. */
  readonly peer: string;
  domain: DomainConfig | undefined;
  clientAddress: string | undefined;

  constructor(config: Config, peer: string) {
    this.config = config;
    this.peer = peer;
  }
}

/** @returns what has to be called for every request, first with it, and then when its answer is complete or given up */
export function decorateRequests(app: FastifyInstance, config: () => Config): RequestWatch {
  app.decorateRequest('context', undefined);
  app.decorateRequest('asker', undefined);
  app.decorateRequest('identityTrouble', undefined);
  app.decorateRequest('config', {
    getter() {
      return contextOf(this).config;
    },
  });
  app.decorateRequest('domain', {
    getter() {
      const context = contextOf(this);
      context.domain ??= findDomain(context.config, this.headers);
      return context.domain;
    },
  });
  app.decorateRequest('clientAddress', {
    getter() {
      const context = contextOf(this);
      context.clientAddress ??= findAddress(context, this);
      return context.clientAddress;
    },
  });
  app.decorateRequest('signal', {
    getter() {
      return contextOf(this).controller.signal;
    },
  });
  return {
    begin(request) {
      request.context = new Context(config(), request.socket.remoteAddress ?? '');
    },
    end(request, { raw }) {
      if (!raw.writableFinished) request.context?.controller.abort(new ClientLeft());
    },
  };
}

export interface RequestWatch {
  begin(request: FastifyRequest): void;
  end(request: FastifyRequest, reply: FastifyReply): void;
}

function contextOf({ context }: FastifyRequest): Context {
  if (context === undefined) throw new Error('The request has not begun');
  return context;
}

function findAddress({ config, peer }: Context, { headers }: FastifyRequest): string {
  const forwarded = headers['x-forwarded-for'];
  const text = Array.isArray(forwarded) ? forwarded.join(',') : forwarded;
  return findClientAddress(peer, text, config.repo.trustAnyForwardedAddress);
}

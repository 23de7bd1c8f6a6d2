import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Asker } from '../auth/index.ts';
import type { Config, DomainConfig } from '../config/index.ts';
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
  }
}

/** What is known of a request beyond Fastify's part. Worked out when first asked for, so that nobody pays unused. */
interface Context {
  readonly config: Config;
  readonly controller: AbortController;
  /** Of the TCP connection; not to be had any more when that is closed. */
  readonly peer: string;
  domain?: DomainConfig;
  clientAddress?: string;
}

export function decorateRequests(app: FastifyInstance, config: () => Config): void {
  const contexts = new WeakMap<FastifyRequest, Context>();
  const contextOf = (request: FastifyRequest): Context => {
    const known = contexts.get(request);
    if (known !== undefined) return known;
    const peer = request.socket.remoteAddress ?? '';
    const context = { config: config(), controller: new AbortController(), peer };
    contexts.set(request, context);
    return context;
  };
  app.decorateRequest('asker', undefined);
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
      const forwarded = this.headers['x-forwarded-for'];
      context.clientAddress ??= findClientAddress(
        context.peer,
        Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
        context.config.repo.trustAnyForwardedAddress,
      );
      return context.clientAddress;
    },
  });
  app.decorateRequest('signal', {
    getter() {
      return contextOf(this).controller.signal;
    },
  });
  app.addHook('onRequest', async (request, reply) => {
    const { controller } = contextOf(request); // made while the connection can tell its peer
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) controller.abort(new ClientLeft());
    });
  });
}

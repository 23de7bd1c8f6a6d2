import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Asker } from '../auth/index.ts';
import type { Config, DomainConfig } from '../config/index.ts';
import type { Exchange } from './exchange.ts';

declare module 'fastify' {
  interface FastifyRequest {
    readonly exchange: Exchange;
    /** These are the exchange's, for those who need no more of it. */
    readonly config: Config;
    readonly domain: DomainConfig;
    readonly clientAddress: string;
    readonly signal: AbortSignal;
    readonly asker: Asker | undefined;
    /** `Content-Type` as the client sent it. */
    declaredType: string | undefined;
  }
}

/** Lets those who handle a request read its exchange. */
export function decorateRequests(app: FastifyInstance, exchangeOf: (request: IncomingMessage) => Exchange): void {
  app.decorateRequest('exchange', {
    getter() {
      return exchangeOf(this.raw);
    },
  });
  app.decorateRequest('config', {
    getter() {
      return exchangeOf(this.raw).config;
    },
  });
  app.decorateRequest('domain', {
    getter() {
      return exchangeOf(this.raw).domain;
    },
  });
  app.decorateRequest('clientAddress', {
    getter() {
      return exchangeOf(this.raw).clientAddress;
    },
  });
  app.decorateRequest('signal', {
    getter() {
      return exchangeOf(this.raw).signal;
    },
  });
  app.decorateRequest('asker', {
    getter() {
      return exchangeOf(this.raw).asker;
    },
  });
}

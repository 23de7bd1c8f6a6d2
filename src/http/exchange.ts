import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Asker } from '../auth/index.ts';
import type { Config, DomainConfig } from '../config/index.ts';
import type { LimitExceeded, MatrixError, ServerName } from '../matrix/index.ts';
import type { RequestLabels } from '../telemetry/index.ts';
import { findClientAddress } from './client-address.ts';
import { ClientLeft } from './errors.ts';
import { findDomain } from './hosts.ts';

declare module 'node:http' {
  interface IncomingMessage {
    /** Not to be read elsewhere: {@link createExchanges}. */
    exchange?: Exchange;
  }
}

/** What a request is counted as, from the moment when it has come to an endpoint. */
export interface Tally {
  readonly action: string;
  /** `undefined`: it is for a host that is not ours, as far as one can see from its headers. */
  readonly labels: RequestLabels | undefined;
}

/** A request that falls under the limit of requests. */
export interface CountedRequest {
  /** To be told with the answer: names and values in turn. */
  readonly headers: readonly string[];
  /** What to answer in place of what was asked for. */
  readonly refusal: LimitExceeded | undefined;
}

/**
 * One request on its way to its answer: what all who deal with it need to know. Most of it is worked out when it is first
 * asked for, so that nobody pays for what nobody reads.
 */
export class Exchange {
  /** Stands in the answer and in every line of the log. */
  readonly id: string = randomUUID();
  /** The configuration when the request began; it stays the same to its end. */
  readonly config: Config;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  /** Who is asking, on endpoints where that has been found out. */
  asker: Asker | undefined;
  /** The server that has signed the request, on endpoints for servers. */
  askingServer: ServerName | undefined;
  /** Why nobody could tell who is asking, on endpoints where that is not needed for all media. */
  identityTrouble: MatrixError | undefined;
  /** What the limit of requests says of it. */
  counted: CountedRequest | undefined;
  /** The limit that its asker has gone beyond. */
  refusedBy: 'requests' | 'downloads' | undefined;
  /** How it is counted, where requests are counted and it has come to an endpoint. */
  tally: Tally | undefined;
  readonly #request: IncomingMessage;
  /** Of the TCP connection; not to be had any more when that is closed. */
  readonly #peer: string;
  #domain: DomainConfig | undefined;
  #clientAddress: string | undefined;
  #controller: AbortController | undefined;
  #hasClientLeft = false;

  constructor(request: IncomingMessage, config: Config, startedMs: number) {
    this.#request = request;
    this.config = config;
    this.startedMs = startedMs;
    this.#peer = request.socket.remoteAddress ?? '';
  }

  /** The domain that the request is for. @throws {UnknownHost} */
  get domain(): DomainConfig {
    this.#domain ??= findDomain(this.config, this.#request.headers);
    return this.#domain;
  }

  /** For requests that are signed for a domain: that counts more than what the headers say. */
  set domain(domain: DomainConfig) {
    this.#domain = domain;
  }

  /** Without port; found by `client-address.ts`. */
  get clientAddress(): string {
    if (this.#clientAddress === undefined) {
      const forwarded = this.#request.headers['x-forwarded-for'];
      const text = Array.isArray(forwarded) ? forwarded.join(',') : forwarded;
      this.#clientAddress = findClientAddress(this.#peer, text, this.config.repo.trustAnyForwardedAddress);
    }
    return this.#clientAddress;
  }

  /** Aborts when the client leaves before its answer is complete. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#hasClientLeft) this.#controller.abort(new ClientLeft());
    }
    return this.#controller.signal;
  }

  /** To be called when the connection has ended before the answer was complete. */
  leave(): void {
    this.#hasClientLeft = true;
    this.#controller?.abort(new ClientLeft());
  }
}

export interface ExchangesParts {
  readonly config: () => Config;
  readonly now: () => number;
}

/** @returns what finds the exchange of a request, which begins when it is first asked for */
export function createExchanges({ config, now }: ExchangesParts): (request: IncomingMessage) => Exchange {
  return (request) => {
    request.exchange ??= new Exchange(request, config(), now());
    return request.exchange;
  };
}

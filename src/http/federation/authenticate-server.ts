import type { FastifyRequest } from 'fastify';
import type { DomainConfig } from '../../config/index.ts';
import { isServerAllowed, type VerifyRequest } from '../../federation/index.ts';
import { Forbidden, parseServerName, type ServerName, UnknownHost } from '../../matrix/index.ts';

/**
 * For hooks: finds out which server asks which of ours, before anything is looked up. The signature decides which domain the
 * request is for; the `Host` header counts only where no destination is signed. Specification: FED-4, XM-2, XM-8.
 */
export function authenticateServer(verifyRequest: VerifyRequest): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const { config, exchange, method, originalUrl: uri, raw } = request;
    const authorization = raw.headersDistinct['authorization'] ?? [];
    const received = { method, uri, authorization, host: hostOf(request) };
    const { origin, destination } = await verifyRequest(received, request.signal);
    const domain = config.domains.get(destination.toLowerCase());
    if (domain === undefined) throw new UnknownHost(); // it has gone since the verifier was made
    refuseOthers(origin, domain);
    exchange.domain = domain;
    exchange.askingServer = origin;
  };
}

function hostOf(request: FastifyRequest): ServerName | undefined {
  try {
    return parseServerName(request.domain.serverName);
  } catch (error) {
    if (error instanceof UnknownHost) return undefined; // such as the name that a delegation leads to
    throw error;
  }
}

/** Says why: whoever gets here has proved who it is, and can ask the operator. */
function refuseOthers(origin: ServerName, { serverName, federation }: DomainConfig): void {
  if (isServerAllowed(origin, federation.servers.serveTo)) return;
  throw new Forbidden(`${serverName} does not give media to ${origin}`);
}

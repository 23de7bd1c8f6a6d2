import type { PeerCertificate, TLSSocket } from 'node:tls';

/** A step of opening one connection, for those who have to explain why it works or does not. */
export type ConnectionEvent =
  | {
      readonly what: 'addresses';
      readonly host: string;
      readonly found: readonly string[];
      /** Those of them that may be connected to. */
      readonly allowed: readonly string[];
    }
  | { readonly what: 'connected'; readonly address: string; readonly port: number }
  | {
      readonly what: 'certificate';
      /** For which it has to be. */
      readonly expectedName: string;
      /** For which it is, as far as it has been looked at. */
      readonly names: readonly string[];
      readonly issuer: string | undefined;
      /** As OpenSSL writes it: `Nov 25 12:00:00 2026 GMT`. */
      readonly validUntil: string | undefined;
      /** The code of what is wrong with it; `undefined`: it is good. */
      readonly problem: string | undefined;
    };

export function certificateOf(socket: TLSSocket, expectedName: string): ConnectionEvent {
  return { what: 'certificate', expectedName, ...describe(socket.getPeerCertificate()), problem: undefined };
}

/** @param error what TLS failed with; one about the name has the certificate with it */
export function refusedCertificateOf(error: Error, expectedName: string): ConnectionEvent {
  const { cert, code } = error as Error & { readonly cert?: PeerCertificate; readonly code?: string }; // as Node's own are
  return { what: 'certificate', expectedName, ...describe(cert), problem: code ?? 'TLS failed' };
}

function describe(certificate: Partial<PeerCertificate> | undefined) {
  const { subjectaltname = '', issuer, valid_to: validUntil } = certificate ?? {};
  const names = subjectaltname.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''));
  return {
    names: names.filter((name) => name !== ''),
    issuer: [issuer?.O, issuer?.CN].flat().filter(Boolean).join(', ') || undefined,
    validUntil,
  };
}

import 'reflect-metadata'; // wanted by the package below, before it
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** Key and certificate as `node:tls` takes them. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Trusted by whoever is told to trust {@link pem}, and by nobody else. */
export interface CertificateAuthority {
  readonly pem: string;
  /** For names and addresses, valid from an hour ago to an hour from now, or only until now. */
  issue(names: readonly string[], state?: 'valid' | 'expired'): Promise<Certificate>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;

export async function makeAuthority(): Promise<CertificateAuthority> {
  const keys = await makeKeys();
  const name = 'CN=Authority of a test';
  const own = await X509CertificateGenerator.createSelfSigned({
    name,
    notBefore: hours(-2),
    notAfter: hours(1),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    pem: own.toString('pem'),
    async issue(names, state = 'valid') {
      const { publicKey, privateKey } = await makeKeys();
      const certificate = await X509CertificateGenerator.create({
        subject: 'CN=Server of a test',
        issuer: name,
        notBefore: hours(-1),
        notAfter: hours(state === 'valid' ? 1 : -0.5),
        signingAlgorithm: ALGORITHM,
        publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
          ),
        ],
      });
      const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', privateKey);
      return { key: PemConverter.encode(pkcs8, 'PRIVATE KEY'), cert: certificate.toString('pem') };
    },
  };
}

async function makeKeys() {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function hours(count: number): Date {
  return new Date(Date.now() + count * HOUR_MS);
}

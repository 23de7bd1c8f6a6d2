import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Options } from '../../config/index.ts';
import { ANONYMOUS, type findCredentials } from './credentials.ts';
import { type Region, wantsPathStyle } from './region.ts';

/** The SDK, which only those load who have a bucket. */
export type Sdk = typeof import('@aws-sdk/client-s3');

/** Asks a bucket, in the name of the right region. */
export interface RegionalClient {
  readonly client: S3Client;
  /** Asks once more, when the service has said which region is the right one. */
  inRegion<T>(ask: (client: S3Client) => Promise<T>): Promise<T>;
  close(): void;
}

const CONNECT_MS = 5_000;
/** Of one question; in between the SDK waits for a time that grows and is cast. */
const MAX_ATTEMPTS = 3;

export function createS3Client(
  { S3Client }: Sdk,
  options: S3Options,
  credentials: Awaited<ReturnType<typeof findCredentials>>,
  region: Region,
): RegionalClient {
  const { endpoint, ssl, bucketName, maxConnections } = options;
  const pool = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxConnections };
  const client = new S3Client({
    endpoint: `${ssl ? 'https' : 'http'}://${endpoint}`,
    region: async () => region.name,
    credentials,
    forcePathStyle: wantsPathStyle(options.addressingStyle, endpoint, bucketName, ssl),
    // Not every service knows the newer checksums. What is sent is signed with its hash.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: MAX_ATTEMPTS,
    expectContinueHeader: false,
    requestHandler: {
      httpAgent: new HttpAgent(pool),
      httpsAgent: new HttpsAgent(pool),
      connectionTimeout: CONNECT_MS,
      requestTimeout: 0, // each question has its own
      throwOnRequestTimeout: true,
      socketTimeout: 0, // a reader may take its time
    },
  });
  sendAnonymousUnsigned(client);
  return {
    client,
    async inRegion(ask) {
      try {
        const answer = await ask(client);
        region.confirm();
        return answer;
      } catch (error) {
        if (!region.learn(error)) throw error;
        return await ask(client);
      }
    },
    close: () => client.destroy(),
  };
}

/** Takes the signature away again, which the SDK puts on everything. */
function sendAnonymousUnsigned(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args as { readonly request: { headers: Record<string, string> } }; // as every handler of HTTP has it
      if (request.headers['authorization']?.includes(`Credential=${ANONYMOUS}/`))
        delete request.headers['authorization'];
      return await next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'sendAnonymousUnsigned' },
  );
}

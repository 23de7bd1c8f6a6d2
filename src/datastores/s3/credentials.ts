import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Options } from '../../config/index.ts';

type Provider = Exclude<S3ClientConfig['credentials'], undefined>;

/** Marks who has no key: such requests are sent without a signature. */
export const ANONYMOUS = 'anonymous';
/** A role may have been given to the machine by then. */
const ANONYMOUS_FOR_MS = 300_000;

/**
 * The keys of the configuration; else what the SDK finds: the environment, the files of the AWS tools, the role of the
 * container or the machine; else none.
 */
export async function findCredentials({ accessKeyId, accessSecret }: S3Options, now: () => number): Promise<Provider> {
  if (accessKeyId !== '') return { accessKeyId, secretAccessKey: accessSecret };
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  const find = defaultProvider();
  return async () => {
    try {
      return await find();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'CredentialsProviderError') throw error;
      const expiration = new Date(now() + ANONYMOUS_FOR_MS);
      return { accessKeyId: ANONYMOUS, secretAccessKey: ANONYMOUS, expiration };
    }
  };
}

import type { Location, RedirectedHeaders } from '../datastore.ts';
import { type BucketClient, objectIn } from './ask-bucket.ts';
import { ANONYMOUS } from './credentials.ts';
import { waitAtMost } from './patience.ts';
import { probeBucket } from './probe-bucket.ts';
import type { Region } from './region.ts';

/** Good for so many seconds. `undefined`: there is no key to sign with */
export async function signUrl(
  client: BucketClient,
  region: Region,
  key: Location,
  headers: RedirectedHeaders,
  seconds: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { sdk, readers, timeoutMs } = client;
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  if (!region.isKnown) await probeBucket(client, signal);
  const found = await waitAtMost(timeoutMs, signal, () => readers.client.config.credentials());
  if (found.accessKeyId === ANONYMOUS) return undefined;
  const asked = {
    ...objectIn(client, key),
    ResponseContentType: headers['Content-Type'],
    ResponseContentDisposition: headers['Content-Disposition'],
  };
  return await getSignedUrl(readers.client, new sdk.GetObjectCommand(asked), { expiresIn: seconds });
}

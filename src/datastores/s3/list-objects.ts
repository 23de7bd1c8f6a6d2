import type { ListedObject, Location } from '../datastore.ts';
import { ask, type BucketClient, type Question } from './ask-bucket.ts';

/** So many as the service tells at once, in the order of their names. @param after empty for the first ones */
export function listSome(
  client: BucketClient,
  after: Location,
  signal: AbortSignal,
): Promise<{ readonly objects: ListedObject[]; readonly isLast: boolean }> {
  const { sdk, options, readers, timeoutMs, now } = client;
  const asked = { Bucket: options.bucketName, ...(after !== '' && { StartAfter: after }) };
  const question: Question<{ readonly objects: ListedObject[]; readonly isLast: boolean }> = {
    action: 'list objects',
    to: readers,
    ms: timeoutMs,
    async send(s3, how) {
      const { Contents = [], IsTruncated } = await s3.send(new sdk.ListObjectsV2Command(asked), how);
      const objects = Contents.map(({ Key = '', Size = 0, LastModified }) => {
        return { location: Key, sizeBytes: Size, modifiedTs: LastModified?.getTime() ?? now() };
      });
      return { objects, isLast: IsTruncated !== true || objects.length === 0 };
    },
  };
  return ask(client, question, signal);
}

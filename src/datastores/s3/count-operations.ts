import type { Counts } from '../../telemetry/index.ts';
import type { Redirect } from '../datastore.ts';
import type { Bucket } from './bucket.ts';

type S3Counts = Pick<Counts, 's3Asked'>;

/** The same bucket; what is asked of it is counted, under matrix-media-repo's names, when it is asked. */
export function countOperations(bucket: Bucket, counts: S3Counts): Bucket {
  return {
    ...bucket,
    get(...asked) {
      counts.s3Asked('GetObject');
      return bucket.get(...asked);
    },
    put(...asked) {
      counts.s3Asked('PutObject');
      return bucket.put(...asked);
    },
    putStream(...asked) {
      counts.s3Asked('PutObject');
      return bucket.putStream(...asked);
    },
    startUpload(...asked) {
      counts.s3Asked('PutObject');
      return bucket.startUpload(...asked);
    },
    delete(...asked) {
      counts.s3Asked('RemoveObject');
      return bucket.delete(...asked);
    },
  };
}

/** Those that clients are told. */
export function countRedirects(redirect: Redirect | undefined, counts: S3Counts | undefined): Redirect | undefined {
  if (redirect === undefined || counts === undefined) return redirect;
  return {
    ...redirect,
    async url(...asked) {
      const url = await redirect.url(...asked);
      if (url !== undefined) counts.s3Asked('RedirectGetObject');
      return url;
    },
  };
}

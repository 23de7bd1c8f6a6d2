import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Server } from '../s3-server.ts';

export interface PlacedObject {
  readonly datastore_id: string;
  readonly location: string;
  readonly sha256_hash: string;
  readonly size_bytes: number;
}

/** The two datastores of an MMR, with what it would have put there. */
export interface MmrObjects {
  /** @param form as which version and which configuration put it */
  put(
    datastoreId: 'local' | 'bucket',
    bytes: Buffer,
    form?: 'today' | 'v1.2' | 'without prefix',
  ): Promise<PlacedObject>;
  /** As MMR does: from where its rows say. */
  read(place: { readonly datastore_id: unknown; readonly location: unknown }): Promise<Buffer>;
}

/** 40 hexadecimal digits and a number that grows with the time. */
export function newMmrId(): string {
  const random = createHash('sha1').update(randomBytes(32)).digest('hex');
  return `${random}${(BigInt(Date.now() - 1_288_834_974_657) << 22n) | BigInt(randomBytes(2).readUInt16BE() & 0xfff)}`;
}

export function useMmrObjects(folder: string, s3: S3Server): MmrObjects {
  const client = new S3Client({
    endpoint: `http://${s3.endpoint}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
  });
  return {
    async put(datastoreId, bytes, form = 'today') {
      const name = form === 'v1.2' ? randomBytes(20).toString('hex') : `${newMmrId()}idv2fmt`;
      const parts =
        datastoreId === 'local'
          ? [name.slice(0, 2), name.slice(2, 4), name.slice(4)]
          : form === 'today'
            ? [name.slice(0, 3), name.slice(3)]
            : [name];
      const location = parts.join('/');
      if (datastoreId === 'local') {
        const path = join(folder, location);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, bytes);
      } else {
        const [Bucket = '', Key] = ['media', location];
        await client.send(new PutObjectCommand({ Bucket, Key, Body: bytes, ContentType: 'application/octet-stream' }));
      }
      const sha256_hash = createHash('sha256').update(bytes).digest('hex');
      return { datastore_id: datastoreId, location, sha256_hash, size_bytes: bytes.length };
    },
    read: ({ datastore_id, location }) =>
      datastore_id === 'local' ? readFile(join(folder, String(location))) : s3.read(String(location)),
  };
}

import { Type } from 'typebox';
import { oneOf } from '../option.ts';

const KINDS = ['all', 'thumbnails', 'remote_media', 'local_media', 'archives'] as const;

export const datastore = Type.Object(
  {
    id: Type.String({
      default: '',
      format: 'not-empty',
      description: 'Stands beside every object in the database: must never change.',
    }),
    type: oneOf(['file', 's3'], {
      description: '`file`: a folder. `s3`: a bucket; this version knows its options and does not open it yet.',
    }),
    forKinds: Type.Array(oneOf(KINDS, { description: 'A kind of media.' }), {
      default: [],
      description: 'What new objects it takes. Empty: it is read, and never written.',
    }),
    opts: Type.Record(Type.String(), Type.String(), {
      default: {},
      description: 'Depends on the type, see the tables below.',
    }),
  },
  { description: 'One datastore.' },
);

export const datastores = Type.Array(datastore, {
  default: [],
  description:
    'Where objects are kept. A list in a per-domain file takes the place of this one for new objects of that domain.',
});

/** `opts` by type: text all of it, as MMR has it, with what the text has to be. */
export const FILE_OPTIONS = Type.Object({
  path: Type.String({ default: '', format: 'not-empty', description: 'The folder. Made when it is not there.' }),
  publicBaseUrl: Type.String({
    default: '',
    description:
      "Vitrine's own: a web server shows the folder to everybody under this URL, and clients are redirected to it followed by the location. It has to end with a slash.",
  }),
});

export const S3_OPTIONS = Type.Object({
  endpoint: Type.String({
    default: '',
    format: 'not-empty',
    description: 'Host, or host and port, without `https://`.',
  }),
  bucketName: Type.String({ default: '', format: 'not-empty', description: 'The bucket. It has to exist.' }),
  accessKeyId: Type.String({
    default: '',
    secret: 'whole',
    description: 'The key. Empty, with an empty secret: anonymous.',
  }),
  accessSecret: Type.String({ default: '', secret: 'whole', description: "The key's secret." }),
  ssl: Type.Boolean({ default: true, description: 'Speak TLS.' }),
  region: Type.String({ default: '', description: 'Region of the bucket. Empty: asked of the endpoint.' }),
  storageClass: Type.String({ default: 'STANDARD', description: 'Storage class of new objects.' }),
  tempPath: Type.String({ default: '', description: 'Folder for uploads until they are hashed and sent.' }),
  publicBaseUrl: Type.String({
    default: '',
    description: 'Clients are redirected to this URL followed by the object key. The bucket is public then.',
  }),
  redirectWhenCached: Type.Boolean({ default: false, description: 'Redirect also when the bytes are at hand.' }),
  prefixLength: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 16,
    description: 'So many characters of the object key become a folder.',
  }),
  multipartUploads: Type.Boolean({ default: true, description: 'Send large objects in parts.' }),
});

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
      description: '`file`: a folder. `s3`: a bucket of a service that speaks the S3 protocol.',
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
    format: 'endpoint',
    description: 'Host, or host and port, without `https://`.',
  }),
  bucketName: Type.String({ default: '', format: 'not-empty', description: 'The bucket. It has to exist.' }),
  accessKeyId: Type.String({
    default: '',
    secret: 'whole',
    description:
      'The key. Empty, with an empty secret: what the environment, the files of the AWS tools or the role of the machine say; without any of them requests are not signed.',
  }),
  accessSecret: Type.String({ default: '', secret: 'whole', description: "The key's secret." }),
  ssl: Type.Boolean({ default: true, description: 'Speak TLS.' }),
  region: Type.String({ default: '', description: 'Region of the bucket. Empty: as the endpoint says.' }),
  addressingStyle: oneOf(['auto', 'path', 'virtualHost'], {
    default: 'auto',
    description:
      "Vitrine's own: where the bucket's name goes. `path`: behind the host. `virtualHost`: in front of it. `auto`: in front of it at AWS, Google and Alibaba, behind it everywhere else.",
  }),
  storageClass: Type.String({
    default: 'STANDARD',
    description: 'Storage class of new objects. Empty: what the bucket has.',
  }),
  tempPath: Type.String({
    default: '',
    description:
      'Folder for uploads until they are known whole. Empty: they go to the bucket in parts while they come, without a disk.',
  }),
  publicBaseUrl: Type.String({
    default: '',
    description: 'Clients are redirected to this URL followed by the object key. The bucket is public then.',
  }),
  signedRedirectSeconds: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 604_800,
    description:
      "Vitrine's own: clients are redirected to a signed URL of the private bucket that is good for so many seconds. 0: they are not.",
  }),
  redirectWhenCached: Type.Boolean({ default: false, description: 'Redirect also when the bytes are at hand.' }),
  prefixLength: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 16,
    description: 'So many characters of the object key become a folder.',
  }),
  multipartUploads: Type.Boolean({
    default: true,
    description:
      'Send large objects in parts. `false`: in one piece, by way of `tempPath` or the folder of the system.',
  }),
  maxConnections: Type.Integer({
    default: 64,
    minimum: 1,
    maximum: 4096,
    description: "Vitrine's own: so many connections for reading, and as many for writing. More wait.",
  }),
  timeoutSeconds: Type.Integer({
    default: 20,
    minimum: 1,
    maximum: 600,
    description: "Vitrine's own: so long the service may take to answer, and for each further piece of an answer.",
  }),
  partBuffers: Type.Integer({
    default: 8,
    minimum: 1,
    maximum: 1024,
    description: "Vitrine's own: so many parts of 5 MiB may be in memory on their way into the bucket.",
  }),
  cachePath: Type.String({
    default: '',
    description:
      "Vitrine's own: folder on a local disk for copies of objects that were read. Empty: none are kept. See [the object cache](datastores/object-cache.md).",
  }),
  cacheMaxBytes: Type.Integer({
    default: 10_737_418_240,
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Vitrine's own: how much the copies may take; the ones that nobody has read for longest go first.",
  }),
});

import { Type } from 'typebox';
import { later, oneOf } from '../option.ts';

/** Where no server of the internet is, and where something may listen that trusts whoever comes from inside. */
const INSIDE = [
  '0.0.0.0/8', // this host
  '127.0.0.0/8',
  '::/128',
  '::1/128',
  '169.254.0.0/16', // link-local, with the metadata service of most clouds
  'fe80::/10',
  '224.0.0.0/4', // multicast
  'ff00::/8',
  '240.0.0.0/4', // reserved, with broadcast
  '192.0.2.0/24', // documentation
  '198.51.100.0/24',
  '203.0.113.0/24',
  '2001:db8::/32',
  '3fff::/20',
  '192.0.0.0/24', // metadata: Oracle, in a network of protocol assignments
  '100.100.100.200/32', // Alibaba
  '168.63.129.16/32', // Azure
  'fd00:ec2::254/128', // Amazon
  'fd20:ce::254/128', // Google
];

/** Two lists of servers. @param may what those do that are on the right one, in words that end "that may …" */
function serverLists(may: string) {
  return Type.Object(
    {
      allow: Type.Array(Type.String({ format: 'server-pattern' }), {
        default: [],
        description: `Vitrine's own: the only servers that may ${may}; \`*\` stands for any text. An empty list allows all.`,
      }),
      deny: Type.Array(Type.String({ format: 'server-pattern' }), {
        default: [],
        description: `Vitrine's own: servers that may not ${may}, whatever the list above says.`,
      }),
    },
    { description: `Vitrine's own: servers that may ${may}.` },
  );
}

export const federation = Type.Object(
  {
    backoffAt: Type.Integer({
      default: 20,
      description: 'After so many failures in a row another server is left alone for a while. 0 or less: 20.',
    }),
    ignoredHosts: Type.Array(Type.String(), {
      default: [],
      description:
        'Servers whose media is refused to all but the administrators of this repository; `*` stands for any text, and an entry without port is for all ports.',
    }),
    disallowedNetworks: Type.Array(Type.String({ format: 'cidr' }), {
      default: INSIDE,
      description:
        "Vitrine's own: networks that are never connected to for another server, whatever its name leads to. Private networks are not among them, because closed federations live there. An empty list forbids nothing.",
    }),
    allowedNetworks: Type.Array(Type.String({ format: 'cidr' }), {
      default: [],
      description:
        "Vitrine's own: networks that may be connected to, unless the list above forbids it. An empty list allows all.",
    }),
    notaries: Type.Array(Type.String({ format: 'server-name' }), {
      default: [],
      description:
        "Vitrine's own: servers that are asked, in this order, for the signing keys of a server that cannot be asked itself. They are trusted not to hide that a key is out of use.",
    }),
    servers: Type.Object(
      {
        fetchFrom: serverLists('be asked for their media'),
        serveTo: serverLists('get media that belongs to this one'),
      },
      { description: "Vitrine's own: which other servers are dealt with." },
    ),
  },
  { description: 'Dealing with other servers.' },
);

export const rateLimit = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Limit how much one client may ask for.' }),
    requestsPerSecond: Type.Number({
      default: 5,
      minimum: 0,
      description: 'Requests a second that one client may make in the long run.',
    }),
    burst: Type.Integer({ default: 10, minimum: 0, description: 'Requests that it may make at once.' }),
    scope: oneOf(['path', 'endpoint'], {
      default: 'path',
      description:
        "Vitrine's own: what is counted together for one client. `path`: requests for the same path, as matrix-media-repo does, so for the same media. `endpoint`: all requests to an endpoint, such as all downloads; wants much larger numbers above.",
    }),
    buckets: Type.Object(
      {
        downloads: Type.Object(
          {
            capacityBytes: Type.Integer({
              default: 524_288_000,
              description: 'Bytes that one client may download at once.',
            }),
            drainBytesPerMinute: Type.Integer({
              default: 5_242_880,
              description: 'Bytes a minute that it may download in the long run.',
            }),
            overflowLimitBytes: Type.Integer({
              default: 104_857_600,
              description: 'How far one download may go beyond the capacity, in bytes.',
            }),
          },
          { description: 'Downloads.' },
        ),
      },
      { description: 'Limits in bytes.' },
    ),
  },
  { description: 'Limits by client.' },
);

export const metrics = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description: 'Serve metrics for Prometheus, at `/metrics` and `/_media/metrics`.',
    }),
    bindAddress: Type.String({
      default: 'localhost',
      description: 'Address to listen on. Nobody is asked for a token there.',
    }),
    port: Type.Integer({
      default: 9000,
      minimum: 1,
      maximum: 65_535,
      description: 'TCP port to listen on; another one than `repo.port`.',
    }),
  },
  { description: 'Measurements for operators.' },
);

export const plugins = Type.Array(
  Type.Object(
    {
      exec: Type.String({ default: '', format: 'not-empty', description: 'The program.' }),
      config: Type.Record(Type.String(), Type.Unknown(), { default: {}, description: 'What it is given.' }),
    },
    { description: 'One plugin.' },
  ),
  { default: [], description: 'Programs that look at uploads.', ...later },
);

export const redis = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description: 'Share what several processes have to share, through Redis.',
    }),
    databaseNumber: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'Number of the Redis database. A Redis Cluster has 0 only.',
    }),
    mode: oneOf(['ring', 'cluster', 'sentinel'], {
      default: 'ring',
      description:
        "Vitrine's own: what `shards` are. `ring`: one Redis, or several that know nothing of each other, as with matrix-media-repo. `cluster`: nodes of a Redis Cluster. `sentinel`: Sentinels, which say where Redis is.",
    }),
    shards: Type.Array(
      Type.Object(
        {
          name: Type.String({
            default: '',
            format: 'not-empty',
            description: 'A name of its own: it places the shard on the ring.',
          }),
          addr: Type.String({
            default: '',
            format: 'not-empty',
            description: 'Host and port, such as `redis.example.org:6379`, or the path of a socket.',
          }),
        },
        { description: 'One shard.' },
      ),
      { default: [], description: 'The Redis servers.' },
    ),
    username: Type.String({
      default: '',
      description: "Vitrine's own: the user of an ACL; empty for the default user.",
    }),
    password: Type.String({ default: '', secret: 'whole', description: "Vitrine's own: the password." }),
    keyPrefix: Type.String({
      default: 'vitrine:',
      format: 'not-empty',
      description:
        "Vitrine's own: how the names of all its keys and channels begin. Processes with the same one belong together.",
    }),
    timeoutMs: Type.Integer({
      default: 500,
      minimum: 10,
      maximum: 10_000,
      description:
        "Vitrine's own: nobody waits longer for an answer, in milliseconds. Then Redis counts as away until it answers again.",
    }),
    sentinel: Type.Object(
      {
        masterName: Type.String({ default: '', description: "Vitrine's own: the name of the master that is watched." }),
        username: Type.String({ default: '', description: "Vitrine's own: the user for the Sentinels themselves." }),
        password: Type.String({
          default: '',
          secret: 'whole',
          description: "Vitrine's own: the password for the Sentinels themselves.",
        }),
      },
      { description: "Vitrine's own: for `mode: sentinel`." },
    ),
    tls: Type.Object(
      {
        enabled: Type.Boolean({ default: false, description: "Vitrine's own: connect with TLS." }),
        caFile: Type.String({
          default: '',
          description: "Vitrine's own: file with the certificates to trust; empty: those that Node trusts.",
        }),
        certFile: Type.String({ default: '', description: "Vitrine's own: file with a certificate to show." }),
        keyFile: Type.String({ default: '', description: "Vitrine's own: file with its key." }),
        serverName: Type.String({
          default: '',
          description: "Vitrine's own: the name that the certificate has to have; empty: the host of the address.",
        }),
      },
      { description: "Vitrine's own: TLS." },
    ),
  },
  { description: 'What several processes share.' },
);

export const sentry = Type.Object(
  {
    enabled: Type.Boolean({ default: false, description: 'Report errors to Sentry.', ...later }),
    dsn: Type.String({ default: 'not supplied', secret: 'whole', description: 'Where to report to.', ...later }),
    environment: Type.String({ default: '', description: 'Name of this installation in the reports.', ...later }),
    debug: Type.Boolean({ default: false, description: "Log what Sentry's library does.", ...later }),
  },
  { description: 'Reports of errors.' },
);

export const tasks = Type.Object(
  {
    numWorkers: Type.Integer({
      default: 5,
      description: 'Most background tasks at once; others wait. 0 or less: one.',
    }),
    takeOverSeconds: Type.Integer({
      default: 0,
      description:
        "Vitrine's own: after process 0 has been silent for so long, at least 10 seconds, the one with the lowest `MACHINE_ID` does the recurring tasks until it is back. 0 or less: nobody does.",
    }),
    transferObjectsAtOnce: Type.Integer({
      default: 8,
      maximum: 256,
      description:
        "Vitrine's own: so many objects are on their way at the same time when objects move from one datastore to another. 0 or less: one.",
    }),
    transferBytesPerSecond: Type.Integer({
      default: 0,
      description:
        "Vitrine's own: so many bytes a second are copied at most when objects move from one datastore to another. 0 or less: no limit.",
    }),
  },
  { description: 'Background tasks.' },
);

export const pgo = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        'Profiles for the Go compiler. Accepted for the sake of existing files; there is nothing to profile.',
      ...later,
    }),
    submitUrl: Type.String({
      default: 'https://mmr-pgo.t2host.io/v1/submit',
      description: 'Not used.',
      ...later,
    }),
    submitKey: Type.String({ default: '', secret: 'whole', description: 'Not used.', ...later }),
  },
  { description: "matrix-media-repo's profile-guided optimisation; not used here." },
);

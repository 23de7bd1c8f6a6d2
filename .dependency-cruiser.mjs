// The import walls. The rooms and their order are told in docs/contributing/architecture.md.

/** From the floor up: a row may import every row below it. */
const rows = [
  ['config', 'telemetry', 'matrix', 'waiting'],
  ['datastores', 'database', 'cluster', 'outbound'],
  ['auth', 'homeservers', 'federation'],
  ['transfer', 'previews', 'thumbnails', 'media', 'upkeep', 'tasks'],
  ['http', 'commands'],
];

/** What a room may import on its own row. */
const besides = {
  auth: ['homeservers'],
  transfer: ['previews', 'thumbnails', 'media'],
  previews: ['thumbnails', 'media'],
  thumbnails: ['media'],
  upkeep: ['tasks'],
};

/** Each is talked to by somebody else. */
const doors = 'client|federation|admin';

const wallsOf = (room, row) => {
  const allowed = [room, ...rows.slice(0, row).flat(), ...(besides[room] ?? [])];
  return {
    name: `walls-of-${room}`,
    comment: `${room}/ may import ${allowed.slice(1).join(', ') || 'nothing of ours'}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: '^src/', pathNot: `^src/(${allowed.join('|')})/` },
  };
};

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...rows.flatMap((rooms, row) => rooms.map((room) => wallsOf(room, row))),
    {
      name: 'through-the-door',
      comment: 'A room is entered by its index.ts only',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '[.]test[.]ts$' },
      to: { path: '^src/([^/]+)/.+', pathNot: ['^src/$1/', '^src/[^/]+/index[.]ts$'] },
    },
    {
      name: 'main-through-the-door',
      comment: 'main.ts, command-line.ts, the tests and the benches enter rooms by index.ts too',
      severity: 'error',
      from: { path: '^(src/[^/]+[.]ts|test/|bench/|script/)' },
      to: { path: '^src/[^/]+/.+', pathNot: '^src/[^/]+/index[.]ts$' },
    },
    {
      name: 'doors-are-apart',
      comment: 'What two doors of http/ need lies beside them',
      severity: 'error',
      from: { path: `^src/http/(${doors})/` },
      to: { path: `^src/http/(${doors})/`, pathNot: '^src/http/$1/' },
    },
    {
      name: 'only-the-server-knows-the-doors',
      severity: 'error',
      from: { path: '^src/http/[^/]+$', pathNot: '^src/http/server[.]ts$' },
      to: { path: `^src/http/(${doors})/` },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'product-without-tests',
      comment: 'The product does not import what is there to test or measure it',
      severity: 'error',
      from: { path: '^src/', pathNot: '[.]test[.]ts$' },
      to: { path: '^(test|bench|script)/' },
    },
    {
      name: 'fastify-stays-at-the-door',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/http/' },
      to: { path: '^node_modules/(fastify|@fastify)' },
    },
    {
      name: 'sql-stays-in-the-database',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/database/' },
      to: { path: '^node_modules/(kysely|pg)/' },
    },
    {
      name: 's3-stays-in-its-driver',
      comment: 'and is loaded when there is a bucket: a start without one must not pay for it',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/datastores/s3/' },
      to: { path: '^node_modules/@(aws-sdk|smithy)/' },
    },
    {
      name: 'pictures-are-decoded-in-workers',
      comment: 'sharp runs in child processes only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/thumbnails/workers/' },
      to: { path: '^node_modules/sharp/' },
    },
    {
      name: 'metrics-are-counted-in-telemetry',
      comment: 'and the library is loaded when they are wanted: others tell `Counts`',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/metrics/' },
      to: { path: '^node_modules/prom-client/' },
    },
    {
      name: 'no-development-dependencies',
      severity: 'error',
      from: { path: '^src/', pathNot: '[.]test[.]ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};

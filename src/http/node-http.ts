/**
 * Of Node's `node:http`. Importing that looks at each of its exports, and some of them load Node's own undici, which
 * nothing here uses: a good part of the time to start, and megabytes.
 */
export const { createServer: createHttpServer, STATUS_CODES } = process.getBuiltinModule('node:http');

export type { Readiness } from './health.ts';
export { type Listening, listen } from './listen.ts';
export { createServer } from './server.ts';

export { check } from './check.ts';
export type { Command, CommandIo } from './command.ts';
export { runCommand } from './commands.ts';
export { config } from './config.ts';
export { datastore } from './datastore.ts';
export { init } from './init.ts';
export { type RunningService, type StartService, serveCommand } from './serve.ts';
export { signingKey } from './signing-key.ts';
export { thumbnail } from './thumbnail.ts';

export type { CommandIo } from './command.ts';
export { runCommand } from './commands.ts';
export { nameCommands } from './named-commands.ts';
export type { RunningService, StartService } from './serve.ts';

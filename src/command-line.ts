// What bin/vitrine runs.
import { createRequire, flushCompileCache } from 'node:module';
import { nameCommands, runCommand, type StartService } from './commands/index.ts';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
const io = {
  stdout: (text: string) => void process.stdout.write(text),
  stderr: (text: string) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
  env: process.env,
  cwd: process.cwd(),
};

/** Loads the service when it is started: other commands have no use for most of the code. */
const startOurs: StartService = async (loaded, environment, signal) => {
  const { startService } = await import('./main.ts');
  const { readDevelopmentSwitches } = await import('./federation/index.ts');
  const service = await startService(loaded, environment, signal, readDevelopmentSwitches(io.env));
  flushCompileCache(); // at the end of the process it may be killed, and then the next start compiles all of it again
  return service;
};

process.exitCode = await runCommand(nameCommands(startOurs), process.argv.slice(2), io, version);

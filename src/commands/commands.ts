import type { Command, CommandIo } from './command.ts';
import { UsageError } from './flags.ts';

/**
 * Runs what the arguments name; without a name, the first command.
 * @returns the exit code
 */
export async function runCommand(
  commands: readonly [Command, ...Command[]],
  args: readonly string[],
  io: CommandIo,
  version: string,
): Promise<number> {
  const [first = '', ...rest] = args;
  if (['-version', '--version'].includes(first)) {
    io.stdout(`Version: ${version}\n`);
    return 0;
  }
  const named = commands.find(({ name }) => name === first);
  if (['help', '-h', '-help', '--help'].includes(first)) {
    const about = commands.find(({ name }) => name === rest[0]);
    io.stdout(about?.usage ?? listOf(commands));
    return 0;
  }
  if (named === undefined && first !== '' && !first.startsWith('-')) {
    io.stderr(`vitrine: there is no command "${first}"\n\n${listOf(commands)}`);
    return 2;
  }
  const command = named ?? commands[0];
  const own = named === undefined ? args : rest;
  if (own.some((arg) => ['-h', '-help', '--help'].includes(arg))) {
    io.stdout(command.usage);
    return 0;
  }
  try {
    return await command.run(own, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr(`vitrine ${command.name}: ${error.message}\n\n${command.usage}`);
    return 2;
  }
}

function listOf(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Vitrine, a media repository for Matrix.',
    '',
    'Usage: vitrine [COMMAND] [FLAGS]',
    '',
    ...commands.map(
      ({ name, summary }, index) => `  ${name.padEnd(width)}  ${summary}${index === 0 ? ' (the default)' : ''}`,
    ),
    '',
    'vitrine COMMAND --help tells more; vitrine --version prints the version.',
    '',
  ].join('\n');
}

import type { CommandIo, NamedCommand } from './command.ts';
import { UsageError } from './flags.ts';

/**
 * Runs what the arguments name; without a name, the first command.
 * @returns the exit code
 */
export async function runCommand(
  commands: readonly [NamedCommand, ...NamedCommand[]],
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
    io.stdout(about === undefined ? await listOf(commands) : (await about.load()).usage);
    return 0;
  }
  if (named === undefined && first !== '' && !first.startsWith('-')) {
    io.stderr(`vitrine: there is no command "${first}"\n\n${await listOf(commands)}`);
    return 2;
  }
  const { name, load } = named ?? commands[0];
  const command = await load();
  const own = named === undefined ? args : rest;
  if (own.some((arg) => ['-h', '-help', '--help'].includes(arg))) {
    io.stdout(command.usage);
    return 0;
  }
  try {
    return await command.run(own, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr(`vitrine ${name}: ${error.message}\n\n${command.usage}`);
    return 2;
  }
}

async function listOf(commands: readonly NamedCommand[]): Promise<string> {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(async ({ name, load }, index) => {
    const { summary } = await load();
    return `  ${name.padEnd(width)}  ${summary}${index === 0 ? ' (the default)' : ''}`;
  });
  return [
    'Vitrine, a media repository for Matrix.',
    '',
    'Usage: vitrine [COMMAND] [FLAGS]',
    '',
    ...(await Promise.all(lines)),
    '',
    'vitrine COMMAND --help tells more; vitrine --version prints the version.',
    '',
  ].join('\n');
}

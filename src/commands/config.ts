import {
  ConfigError,
  describeConfig,
  findConfigPath,
  formatProblem,
  type LoadedConfig,
  loadConfig,
  readEnvironment,
} from '../config/index.ts';
import type { Command, CommandIo } from './command.ts';
import { parseFlags, UsageError } from './flags.ts';

/** `vitrine config check` and `vitrine config show`. */
export const config: Command = {
  summary: 'Check the configuration, or show what is in force',
  usage: `Usage: vitrine config check [--config PATH]
       vitrine config show [--domain NAME] [--config PATH]

  check          read the configuration as a start would, and tell every problem at once
  show           print what is in force, defaults included; secrets are masked
  --domain NAME  what counts for the requests of that domain
  --config PATH  a file, or a folder of files. Without it: REPO_CONFIG, else ./media-repo.yaml,
                 else ./data/media-repo.yaml

Exit codes: 0 no problems, 1 problems, 2 called wrongly
`,
  async run(args, io) {
    const { values, words } = parseFlags(args, { config: { type: 'string' }, domain: { type: 'string' } });
    const [action, ...others] = words;
    if ((action !== 'check' && action !== 'show') || others.length > 0) throw new UsageError('say "check" or "show"');
    if (action === 'check' && values.domain !== undefined) throw new UsageError('--domain goes with "show"');
    const found = findConfigPath(values.config, io.env, io.cwd);
    if (found === undefined) {
      io.stderr('There is no configuration here yet. "vitrine init" writes one; --config names one.\n');
      return 1;
    }
    try {
      readEnvironment(io.env);
      const loaded = await loadConfig(found.path);
      return action === 'check' ? check(loaded, found.path, io) : show(loaded, values.domain, io);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      io.stderr(`${error.message}\n`);
      return 1;
    }
  },
};

function check(loaded: LoadedConfig, path: string, io: CommandIo): number {
  for (const warning of loaded.warnings) io.stderr(`Warning: ${formatProblem(warning)}\n`);
  if (loaded.withoutEffect.length > 0) {
    io.stderr(`Set, but without effect in this version: ${loaded.withoutEffect.join(', ')}\n`);
  }
  io.stdout(`${path}: no problems\n`);
  return 0;
}

function show(loaded: LoadedConfig, name: string | undefined, io: CommandIo): number {
  const domain = name === undefined ? undefined : loaded.config.domains.get(name.toLowerCase());
  if (name !== undefined && domain === undefined) {
    io.stderr(`"${name}" is not served here; these are: ${[...loaded.config.domains.keys()].join(', ')}\n`);
    return 1;
  }
  io.stdout(describeConfig(loaded.config, domain));
  return 0;
}

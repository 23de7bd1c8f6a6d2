import { join, resolve } from 'node:path';
import {
  ConfigError,
  type Environment,
  findConfigPath,
  type LoadedConfig,
  loadConfig,
  readEnvironment,
} from '../config/index.ts';
import type { Command, CommandIo } from './command.ts';
import { type FirstStart, makeDataFolder } from './first-start.ts';
import { parseFlags, UsageError } from './flags.ts';

/** A service that answers. */
export interface RunningService {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /**
   * Stops taking requests, finishes those under way, closes all parts.
   * @param drainMs so long connections that lie idle are kept for one request more
   */
  stop(drainMs?: number): Promise<void>;
}

/** Makes the parts and starts them; `main.ts` has it. Rejects with an error whose message is for the operator. */
export type StartService = (
  loaded: LoadedConfig,
  environment: Environment,
  signal: AbortSignal,
) => Promise<RunningService>;

const DATA_FOLDER = 'data';
/** A busy proxy uses each of its connections again within this time, and hears that it was the last one. */
const DRAIN_MS = 1_000;

const USAGE = `Usage: vitrine serve [--config PATH]

Runs the media repository until it is told to stop (Ctrl+C or SIGTERM): it then finishes the requests under way. A second
signal stops it at once.

  --config PATH  a configuration file, or a folder of them. Without it: REPO_CONFIG, else ./media-repo.yaml, else
                 ./data/media-repo.yaml, which is made together with all it needs when it is not there

matrix-media-repo's flags -migrations, -templates and -assets are accepted and not needed.

Exit codes: 0 stopped, 1 could not start, 2 called wrongly
`;

/** `vitrine serve`, also what runs when no command is named. */
export function serveCommand(startService: StartService): Command {
  return {
    summary: 'Run the media repository',
    usage: USAGE,
    async run(args, io) {
      const { values, words } = parseFlags(args, {
        config: { type: 'string' },
        migrations: { type: 'string' },
        templates: { type: 'string' },
        assets: { type: 'string' },
      });
      if (words.length > 0) throw new UsageError(`"${words[0]}" is not expected here`);
      const stopping = listenForSignals(io);
      try {
        const environment = readEnvironment(io.env);
        const found = findConfigPath(values.config, io.env, io.cwd);
        const first = found === undefined ? await makeDataFolder(resolve(io.cwd, DATA_FOLDER)) : undefined;
        if (first !== undefined) io.stdout(`${first.made}\n`);
        const loaded = await loadConfig(found?.path ?? first?.configPath ?? '');
        await using _service = await start(startService, loaded, environment, stopping.signal, io, first);
        await stopping.asked;
        return 0;
      } catch (error) {
        if (stopping.signal.aborted) return 0; // told to stop while starting
        io.stderr(`${explain(error)}\n`);
        return 1;
      } finally {
        stopping.done();
      }
    },
  };
}

async function start(
  startService: StartService,
  loaded: LoadedConfig,
  environment: Environment,
  signal: AbortSignal,
  io: CommandIo,
  first: FirstStart | undefined,
): Promise<AsyncDisposable> {
  const service = await startService(loaded, environment, signal);
  if (first !== undefined) {
    io.stdout(`\nListening on ${service.url}\n\n${first.firstSteps}\n`);
  } else if (loaded.files.includes(join(resolve(io.cwd, DATA_FOLDER), 'media-repo.yaml'))) {
    io.stdout(`Listening on ${service.url}; ${DATA_FOLDER}/first-steps.txt has the lines that try it.\n`);
  }
  return { [Symbol.asyncDispose]: () => service.stop(DRAIN_MS) };
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `Vitrine could not start: ${message}${cause}`;
}

interface Stopping {
  /** Resolves at the first signal. */
  readonly asked: Promise<void>;
  readonly signal: AbortSignal;
  done(): void;
}

function listenForSignals(io: CommandIo): Stopping {
  const controller = new AbortController();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const onSignal = () => {
    if (controller.signal.aborted) {
      io.stderr('Stopped at once.\n');
      process.exit(1);
    }
    controller.abort(new Error('The service is stopping'));
    ask();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    asked,
    signal: controller.signal,
    done: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

import { readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { ConfigError, defaultConfig, findConfigPath, loadConfig } from '../config/index.ts';
import { MatrixError } from '../matrix/index.ts';
import { openLog } from '../telemetry/index.ts';
import {
  createExtractor,
  createThumbnailer,
  findNeededPrograms,
  openPictureSource,
  type Rendered,
  refuseLargeSource,
} from '../thumbnails/index.ts';
import type { Command, CommandIo } from './command.ts';
import { parseCount, parseFlags, UsageError } from './flags.ts';
import { listenForInterrupt } from './interrupt.ts';

const METHODS = ['scale', 'crop'] as const;
const MAX_SIDE = 16_384;

/** `vitrine thumbnail`: makes one as the service would, without it. */
export const thumbnail: Command = {
  summary: 'Make a thumbnail of a file, to see what the service would make of it',
  usage: `Usage: vitrine thumbnail IN OUT [--width N] [--height N] [--method scale|crop] [--animated] [--config PATH]

Writes a thumbnail of IN to OUT, in the same child process and under the same limits as the service. Nothing is stored.

  --width N, --height N  the size (default: 800 and 600)
  --method METHOD        scale keeps the ratio, crop fills the size (default: scale)
  --animated             let it move, if the file does
  --config PATH          whose limits and types count. Without it: REPO_CONFIG, else ./media-repo.yaml,
                         else ./data/media-repo.yaml, else the defaults

Exit codes: 0 written, 1 no thumbnail can be made of it, 2 called wrongly
`,
  async run(args, io) {
    const { values, words } = parseFlags(args, {
      width: { type: 'string' },
      height: { type: 'string' },
      method: { type: 'string' },
      animated: { type: 'boolean' },
      config: { type: 'string' },
    });
    const [from, to, ...others] = words;
    if (from === undefined || to === undefined || others.length > 0) throw new UsageError('name two files: IN and OUT');
    const method = METHODS.find((known) => known === (values.method ?? 'scale'));
    if (method === undefined) throw new UsageError(`--method "${values.method}" is neither scale nor crop`);
    const size = {
      width: parseCount('--width', values.width ?? '800', MAX_SIDE),
      height: parseCount('--height', values.height ?? '600', MAX_SIDE),
    };
    try {
      const config = await configFor(values.config, io);
      const path = resolve(io.cwd, from);
      refuseLargeSource((await stat(path)).size, config);
      const source = await readFile(path);
      const { stillFrame, types, tempPath } = config.thumbnails;
      const log = logTo(io);
      // Programs run in groups of their own, which the terminal does not reach.
      using interrupted = listenForInterrupt();
      const { signal } = interrupted;
      const programs = await findNeededPrograms(types, io.env['PATH'] ?? '', log, signal);
      await using extractor = createExtractor({ programs, log, tempPath: tempPath || tmpdir() });
      const opened = await openPictureSource(extractor, asMedia(source), { size, method }, config, signal);
      const asked = { size, method, animated: values.animated ?? false, stillFrame, ...opened.limits };
      await using thumbnailer = createThumbnailer({ log, maxWorkers: 1 });
      const rendered = await thumbnailer.render(opened.source, asked, signal);
      await writeFile(resolve(io.cwd, to), rendered.kind === 'picture' ? rendered.bytes : source);
      io.stdout(`${to}: ${describe(rendered)}\n`);
      return 0;
    } catch (error) {
      if (!(error instanceof MatrixError || error instanceof ConfigError || isFileError(error))) throw error;
      io.stderr(`${error.message}\n`);
      return 1;
    }
  },
};

async function configFor(path: string | undefined, io: CommandIo) {
  const found = findConfigPath(path, io.env, io.cwd);
  return found === undefined ? defaultConfig() : (await loadConfig(found.path)).config;
}

function asMedia(bytes: Buffer) {
  return {
    sizeBytes: bytes.length,
    async *read({ start, end }: { readonly start: number; readonly end: number }) {
      yield bytes.subarray(start, end + 1);
    },
  };
}

function logTo({ stderr }: CommandIo) {
  return openLog({ level: 'warn', colors: false, json: false, directory: '-', now: Date.now, output: stderr }).log;
}

function describe(rendered: Rendered): string {
  if (rendered.kind === 'original') return `${rendered.contentType}, the file itself, which is small enough`;
  const { contentType, width, height, bytes, animated } = rendered;
  return `${contentType}, ${width}×${height}, ${bytes.length} bytes${animated ? ', animated' : ''}`;
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

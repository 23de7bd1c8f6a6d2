import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { writeSampleConfig } from '../config/index.ts';
import { findServerNameProblem } from '../matrix/index.ts';
import type { Command } from './command.ts';
import { parseCount, parseFlags, UsageError } from './flags.ts';

/** `vitrine init`: writes a commented configuration for a real homeserver. */
export const init: Command = {
  summary: 'Write a configuration for a homeserver',
  usage: `Usage: vitrine init --server-name NAME --homeserver-url URL [--config PATH] [--port PORT]

Writes a commented configuration. It uses SQLite and a folder beside the file; both can be changed in it later.

  --server-name NAME    the name behind the colon of your user IDs, such as example.org
  --homeserver-url URL  where Vitrine reaches the homeserver, such as http://localhost:8008
  --config PATH         the file to write (default: data/media-repo.yaml); an existing one is left alone
  --port PORT           where Vitrine will listen (default: 8000)

Example: vitrine init --server-name example.org --homeserver-url http://localhost:8008
`,
  async run(args, io) {
    const { values, words } = parseFlags(args, {
      'server-name': { type: 'string' },
      'homeserver-url': { type: 'string' },
      config: { type: 'string' },
      port: { type: 'string' },
    });
    if (words.length > 0) throw new UsageError(`"${words[0]}" is not expected here`);
    const serverName = required(values['server-name'], '--server-name');
    const problem = findServerNameProblem(serverName);
    if (problem !== undefined) throw new UsageError(`--server-name "${serverName}" cannot be used: ${problem}`);
    const homeserverUrl = parseUrl(required(values['homeserver-url'], '--homeserver-url'));
    const port = parseCount('--port', values.port ?? '8000', 65_535);
    const path = resolve(io.cwd, values.config ?? 'data/media-repo.yaml');

    const text = writeSampleConfig({ serverName, homeserverUrl, dataFolder: dirname(path), port });
    await mkdir(dirname(path), { recursive: true });
    try {
      await writeFile(path, text, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      io.stderr(`${path} exists already and was left as it is. Remove it first, or name another file with --config.\n`);
      return 1;
    }
    io.stdout(`Wrote ${path}\nStart it with: vitrine --config ${path}\n`);
    return 0;
  },
};

function required(value: string | undefined, flag: string): string {
  if (value === undefined || value === '') throw new UsageError(`${flag} is missing`);
  return value;
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(`--homeserver-url "${text}" is not a URL that begins with http:// or https://`);
  }
  return text;
}

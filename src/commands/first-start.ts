import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { writeSampleConfig } from '../config/index.ts';
import { drawPicture } from './picture.ts';

/** What a first start has made. All paths are absolute. */
export interface FirstStart {
  readonly configPath: string;
  /** A few lines for the person in front of the terminal: what is where. */
  readonly made: string;
  /** The two `curl` lines that try it; a file in the data folder has them too. */
  readonly firstSteps: string;
}

const FIRST_PORT = 8000;

/**
 * Makes a data folder in which everything is ready for `localhost`: configuration, a token, a picture to try.
 * Nothing that is there already is overwritten.
 */
export async function makeDataFolder(folder: string): Promise<FirstStart> {
  const [configPath, picturePath, stepsPath, answerPath] = [
    join(folder, 'media-repo.yaml'),
    join(folder, 'welcome.png'),
    join(folder, 'first-steps.txt'),
    join(folder, 'welcome.json'),
  ] as const;
  const port = await findFreePort(FIRST_PORT);
  const token = `vitrine_${randomBytes(24).toString('base64url')}`;
  const firstSteps = describeFirstSteps({ port, token, picturePath, answerPath });
  await mkdir(folder, { recursive: true });
  // The token is in both texts: nobody else on this machine needs to read them.
  const secret = { flag: 'wx', mode: 0o600 } as const;
  const config = writeSampleConfig({ serverName: 'localhost', dataFolder: folder, port, appserviceToken: token });
  await writeFile(configPath, config, secret);
  await writeFile(picturePath, await drawPicture());
  await writeFile(stepsPath, firstSteps, { mode: 0o600 });
  const made = [
    'No configuration was found, so this is a first start. Made:',
    `  ${configPath}  the configuration: server name "localhost", SQLite, one folder`,
    `  ${join(folder, 'vitrine.db')}  the database`,
    `  ${join(folder, 'media')}  where media is kept`,
    `  ${picturePath}  a picture to try it with`,
    'For a real homeserver: vitrine init --server-name example.org --homeserver-url http://localhost:8008',
    '',
  ].join('\n');
  return { configPath, made, firstSteps };
}

interface FirstStepsParts {
  readonly port: number;
  readonly token: string;
  readonly picturePath: string;
  readonly answerPath: string;
}

function describeFirstSteps({ port, token, picturePath, answerPath }: FirstStepsParts): string {
  const base = `http://localhost:${port}/_matrix`;
  const auth = `-H 'Authorization: Bearer ${token}'`;
  const upload = `'${base}/media/v3/upload?filename=welcome.png'`;
  const media = `$(grep -o 'localhost/[^"]*' ${quote(answerPath)})`;
  return [
    'Upload the picture:',
    `curl -sS ${auth} -H 'Content-Type: image/png' --data-binary @${quote(picturePath)} ${upload} | tee ${quote(answerPath)}; echo`,
    'Then get its thumbnail, into thumbnail.png:',
    `curl -sS ${auth} -o thumbnail.png "${base}/client/v1/media/thumbnail/${media}?width=96&height=96&method=crop"`,
    '',
  ].join('\n');
}

/** For a POSIX shell. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

async function findFreePort(first: number): Promise<number> {
  for (let port = first; port < first + 100; port += 1) {
    if (await isFree(port)) return port;
  }
  return first; // listening will fail, and says why
}

async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once('error', () => resolve(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  return await promise;
}

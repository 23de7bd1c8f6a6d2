import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';

export const TOKEN = 'token-of-the-bench';
export const SERVER_NAME = 'example.org';

type Sections = Readonly<Record<string, unknown>>;

/** A folder with a configuration on SQLite, beside the working folder: temporary folders may lie in memory. */
export async function makeBenchFolder(more: Sections | ((path: string) => Sections) = {}) {
  const path = await mkdtemp(resolve('.bench-'));
  const media = join(path, 'media');
  await mkdir(media);
  const configPath = join(path, 'media-repo.yaml');
  await writeFile(
    configPath,
    stringify({
      repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
      database: { sqlite: 'vitrine.db' },
      homeservers: [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9' }],
      accessTokens: {
        useLocalAppserviceConfig: true,
        appservices: [{ id: 'bench', asToken: TOKEN, senderUserId: `@bench:${SERVER_NAME}` }],
      },
      datastores: [{ type: 'file', id: 'main', forKinds: ['all'], opts: { path: media } }],
      rateLimit: { enabled: false },
      ...(typeof more === 'function' ? more(path) : more),
    }),
  );
  return { path, media, configPath, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

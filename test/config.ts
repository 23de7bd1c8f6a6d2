import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Config, loadConfig } from '../src/config/index.ts';

/** A configuration as the service would load it: `example.org` with one datastore, and what the test has beside. */
export async function makeConfig(sections: Readonly<Record<string, unknown>> = {}): Promise<Config> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-config-'));
  try {
    const path = join(folder, 'media-repo.yaml');
    const sample = {
      database: { sqlite: 'vitrine.db' },
      homeservers: [{ name: 'example.org', csApi: 'http://127.0.0.1:9' }],
      datastores: [{ type: 'file', id: 'main', forKinds: ['all'], opts: { path: folder } }],
      rateLimit: { enabled: false },
    };
    await writeFile(path, stringify({ ...sample, ...sections }));
    return (await loadConfig(path)).config;
  } finally {
    await rm(folder, { recursive: true });
  }
}

import { readFile } from 'node:fs/promises';
import { type OEmbedProviders, readProviders } from './providers.ts';

/** Reads each list once. @param path of the operator's list; empty for the one that came with the program */
export type LoadProviders = (path: string) => Promise<OEmbedProviders>;

export function createProviderLoader(): LoadProviders {
  const loaded = new Map<string, Promise<OEmbedProviders>>();
  return (path) => {
    const known = loaded.get(path);
    if (known !== undefined) return known;
    const loading = path === '' ? loadBundled() : loadFile(path);
    loaded.set(path, loading);
    loading.catch(() => loaded.delete(path)); // told to whoever asked; the next one tries again
    return loading;
  };
}

async function loadBundled(): Promise<OEmbedProviders> {
  const { default: list } = await import('oembed-providers/providers.json', { with: { type: 'json' } });
  return readProviders(list);
}

async function loadFile(path: string): Promise<OEmbedProviders> {
  try {
    return readProviders(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new Error(`The list of urlPreviews.oEmbedProvidersPath, ${path}, cannot be used`, { cause: error });
  }
}

import type { Internet } from './open-federation.ts';
import { createResolver } from './outbound/index.ts';
import type { drawIdenticon, Previews, PreviewsParts } from './previews/index.ts';

/** Previews of links and pictures of texts. Dispose it. */
export interface OpenPreviews extends AsyncDisposable {
  readonly previews: Previews;
  readonly drawIdenticon: typeof drawIdenticon;
}

/** Loaded with the first request for one: the start does not wait for parsers that may never be wanted. */
export function openPreviews(
  parts: Omit<PreviewsParts, 'outbound' | 'authorities'>,
  { resolver = createResolver(), route, authorities }: Internet,
): OpenPreviews {
  const outbound = { resolver, ...(route !== undefined && { route }) };
  const load = async () => {
    const room = await import('./previews/index.ts');
    return { ...room, previews: room.createPreviews({ ...parts, outbound, authorities }) };
  };
  let loading: ReturnType<typeof load> | undefined;
  const loaded = () => (loading ??= load());
  return {
    previews: {
      find: async (config, domain, asked, signal) => (await loaded()).previews.find(config, domain, asked, signal),
    },
    drawIdenticon: async (seed, size) => (await loaded()).drawIdenticon(seed, size),
    async [Symbol.asyncDispose]() {
      await (await loading)?.previews[Symbol.asyncDispose]();
    },
  };
}

import { fileURLToPath } from 'node:url';

/**
 * The arguments under which Node runs a worker. It can read its own code and the packages that it needs, and nothing
 * else: no other file, nothing to write, no network, no process, no thread. Native code is outside of this model, which
 * is why a worker also gets no environment and only these three pipes.
 * @param script what runs
 */
export function workerArguments(script: URL): string[] {
  const packages = ['sharp', '@img', 'detect-libc', 'semver', 'blurhash', 'libheif-js', '@jsquash/jxl'];
  const readable = [
    fileURLToPath(new URL('.', import.meta.url)),
    fileURLToPath(script),
    ...packages.map((name) => `${findNodeModules()}/${name}/`),
  ];
  return [
    '--permission',
    '--allow-addons',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--disable-warning=SecurityWarning', // about --allow-addons: there is no sharp without it
    '--disallow-code-generation-from-strings',
    '--max-old-space-size=64',
    '--expose-gc', // of decoders in WebAssembly, see workers/wasm-decoders.ts
    fileURLToPath(script),
  ];
}

/** Spares the heap arenas of threads that a worker has not got. */
export const WORKER_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

function findNodeModules(): string {
  const sharp = fileURLToPath(import.meta.resolve('sharp'));
  return sharp.slice(0, sharp.lastIndexOf('/node_modules/') + '/node_modules'.length);
}

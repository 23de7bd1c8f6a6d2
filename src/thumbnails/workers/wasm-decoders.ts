import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Decoders in WebAssembly, each compiled when the first picture needs it: workers start as fast as they would without. */
export interface WasmDecoders {
  /**
   * What Emscripten needs to make an instance. Each picture gets one of its own: it starts in good order whatever the
   * last one did, and its memory goes with it.
   * @param wasm the module, as one would import it
   */
  prepareInstance(wasm: string): Promise<InstanceOptions>;
}

export interface InstanceOptions {
  readonly noInitialRun: true;
  readonly instantiateWasm: (
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
  readonly print: () => void;
  readonly printErr: () => void;
}

export function createWasmDecoders(): WasmDecoders {
  const modules = new Map<string, WebAssembly.Module>();
  return {
    async prepareInstance(wasm) {
      const module = modules.get(wasm) ?? (await compile(wasm));
      modules.set(wasm, module);
      // The instance of the last picture is garbage of some hundred megabytes, which to Node is a small object without need.
      globalThis.gc?.();
      const instantiateWasm: InstanceOptions['instantiateWasm'] = (imports, receive) => {
        const instance = new WebAssembly.Instance(module, imports);
        receive(instance);
        return instance.exports;
      };
      return { noInitialRun: true, instantiateWasm, print: ignore, printErr: ignore };
    },
  };
}

async function compile(wasm: string): Promise<WebAssembly.Module> {
  return await WebAssembly.compile(await readFile(fileURLToPath(import.meta.resolve(wasm))));
}

/** What decoders say would get into the answers on stdout. */
function ignore(): void {}

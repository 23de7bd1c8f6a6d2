/** The part of the global that is used here; neither the types of Node nor those of the language have it. */
declare namespace WebAssembly {
  type Imports = object;
  type Exports = object;
  class Module {
    private readonly isCompiled: true;
  }
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Exports;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}

export type RedisAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const DEFAULT_PORT = 6379;

/** `host:port`, `[::1]:port`, `:port` for this machine, or the path of a socket, as MMR's library takes them. */
export function parseAddress(text: string): RedisAddress {
  if (text.startsWith('/')) return { path: text };
  const [, bracketed, plain = '', port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return {
    host: bracketed ?? (plain || (text.startsWith(':') ? 'localhost' : text)),
    port: Number(port ?? DEFAULT_PORT),
  };
}

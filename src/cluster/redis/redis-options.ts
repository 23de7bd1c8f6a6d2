/** Which Redis, and how it is reached. */
export interface RedisOptions {
  /** `ring`: servers that know nothing of each other. `cluster`: nodes of a Redis Cluster. `sentinel`: its watchers. */
  readonly mode: 'ring' | 'cluster' | 'sentinel';
  readonly databaseNumber: number;
  readonly shards: readonly { readonly name: string; readonly addr: string }[];
  readonly username: string;
  readonly password: string;
  readonly keyPrefix: string;
  /** Nobody waits longer for an answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly sentinel: { readonly masterName: string; readonly username: string; readonly password: string };
  readonly tls: {
    readonly enabled: boolean;
    /** Files; empty for none. */
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
    /** Whose certificate is expected; empty: the host of the address. */
    readonly serverName: string;
  };
}

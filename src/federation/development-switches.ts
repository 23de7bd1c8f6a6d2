/** For federations of test machines, which have no certificates. Never for servers that others can reach. */
export interface DevelopmentSwitches {
  /** HTTP without TLS in every step: `MEDIA_REPO_HTTP_ONLY_FEDERATION`. */
  readonly plainHttp: boolean;
  /** Certificates are not looked at: `MEDIA_REPO_UNSAFE_FEDERATION`. */
  readonly anyCertificate: boolean;
}

/** Just `true` switches one on, as in matrix-media-repo, whose variables these are. */
export function readDevelopmentSwitches(env: Readonly<Record<string, string | undefined>>): DevelopmentSwitches {
  return {
    plainHttp: env['MEDIA_REPO_HTTP_ONLY_FEDERATION'] === 'true',
    anyCertificate: env['MEDIA_REPO_UNSAFE_FEDERATION'] === 'true',
  };
}

import { join } from 'node:path';

export interface SampleParts {
  readonly serverName: string;
  /** Without one there is no homeserver to ask; the application service below is all that is known then. */
  readonly homeserverUrl?: string;
  /** Absolute; everything is kept below it. */
  readonly dataFolder: string;
  readonly port: number;
  /** Random; whoever has it may upload as any user of the server name. */
  readonly appserviceToken?: string;
}

/** The commented `media-repo.yaml` that a first start and `vitrine init` write. */
export function writeSampleConfig(parts: SampleParts): string {
  return [
    `# Vitrine, a media repository for Matrix. Every option with its default is in docs/configuration.md.
# "vitrine config check" tells what is wrong with this file, "vitrine config show" what is in force.

repo:
  # Where to listen. A reverse proxy in front brings TLS. In a container: 0.0.0.0
  bindAddress: 127.0.0.1
  port: ${parts.port}
  # "-": logs go to the terminal only. Else a folder for daily files.
  logDirectory: "-"

database:
  # Records are kept in this file, beside the configuration. For several processes, use PostgreSQL in its place:
  # postgres: "postgres://vitrine:password@localhost/vitrine?sslmode=disable"
  sqlite: vitrine.db

# The server whose media is kept here: the name behind the colon of its user IDs, and where its API is reached.
homeservers:
  - name: ${JSON.stringify(parts.serverName)}`,
    parts.homeserverUrl === undefined
      ? `    # Nobody has to answer there as long as only the application service below is used.
    csApi: "http://localhost:8008"`
      : `    csApi: ${JSON.stringify(parts.homeserverUrl)}
    # For Synapse, "synapse": its administrators get more to do here.
    adminApiKind: matrix`,
    parts.appserviceToken === undefined
      ? `
# User IDs with all rights here, such as ["@admin:${parts.serverName}"]
admins: []`
      : `
accessTokens:
  # Whoever sends this token as "Authorization: Bearer …" may upload, without any homeserver. Keep it secret.
  useLocalAppserviceConfig: true
  appservices:
    - id: local
      asToken: ${JSON.stringify(parts.appserviceToken)}
      senderUserId: "@vitrine:${parts.serverName}"
      userNamespaces:
        - regex: '@.*:${parts.serverName.replace(/[.[\]]/g, String.raw`\$&`)}'

# User IDs with all rights here.
admins: ["@vitrine:${parts.serverName}"]`,
    `
# Where the bytes are kept.
datastores:
  - type: file
    # Stands in the database beside every object: never change it.
    id: main
    forKinds: [all]
    opts:
      path: ${JSON.stringify(join(parts.dataFolder, 'media'))}

uploads:
  # Largest upload, in bytes: 100 MiB. The reverse proxy has to allow as much.
  maxBytes: 104857600

thumbnails:
  # Types of which thumbnails are made. "image/*" is every picture that can be decoded, SVG among them.
  types:
    - image/jpeg
    - image/jpg
    - image/png
    - image/apng
    - image/gif
    - image/webp
    - image/avif
    - image/heif
    - image/heic
    - image/jxl
    - image/bmp
    - image/tiff
    - audio/mpeg
    - audio/ogg
    - audio/wav
    - audio/flac
    # - image/svg+xml
    # - video/mp4
`,
  ].join('\n');
}

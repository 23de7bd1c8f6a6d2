import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts';
import { CLOSE, type SqliteEvent, type SqliteRequest } from './sqlite-messages.ts';
import { SqliteQueue } from './sqlite-queue.ts';

// The thread that holds the SQLite file: its calls wait for the disk, which the service must not.

const port = parentPort;
if (port === null) throw new Error('This is the inside of a worker thread');
const tell = (event: SqliteEvent) => port.postMessage(event);

const file = open();
if (file === undefined) {
  port.close();
} else {
  const queue = new SqliteQueue(file.database, (answers) => tell({ kind: 'answers', answers }));
  port.on('message', (first: SqliteRequest | typeof CLOSE) => {
    const messages = [first];
    // All that came in during the last commit.
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      messages.push(next.message);
    }
    queue.handle(messages.filter((message) => message !== CLOSE));
    if (!messages.includes(CLOSE)) return;
    file.close();
    port.close();
  });
  tell({ kind: 'open' });
}

function open(): SqliteFile | undefined {
  try {
    return openSqliteFile(String(workerData));
  } catch (error) {
    tell({ kind: 'refused', message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

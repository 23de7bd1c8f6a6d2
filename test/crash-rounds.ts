import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startProcess } from './process.ts';
import { ask, type Engine, makeServiceFolder, pathOf, uploadBytes } from './service.ts';

const CONCURRENT_UPLOADS = 8;
/** Long enough for some uploads to be through and others on their way. */
const LONGEST_LIFE_MS = 250;

/**
 * Kills the service at a random moment of concurrent uploads, again and again, and after each restart looks at
 * everything that was ever answered: it has to download with the right bytes, and no temporary may be left.
 * @returns how many uploads were answered in all
 */
export async function crashAndLook(t: TestContext, engine: Engine, rounds: number): Promise<number> {
  const folder = await makeServiceFolder(t, engine, {
    repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
  });
  const answered = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    const service = await startProcess(t, folder);
    const temporaries = await readdir(join(folder.media, '.vitrine-tmp'));
    assert.deepEqual(temporaries, [], 'temporaries of the killed process are still there');
    await lookAtAll(service.url, answered, round === rounds - 1 ? answered.size : 50);
    const uploaders = Array.from({ length: CONCURRENT_UPLOADS }, () => uploadUntilKilled(service.url, answered));
    await setTimeout(randomInt(LONGEST_LIFE_MS));
    await service.kill('SIGKILL');
    await Promise.all(uploaders);
  }
  const service = await startProcess(t, folder);
  await lookAtAll(service.url, answered, answered.size);
  await service.kill('SIGTERM');
  return answered.size;
}

/** Small files and large ones, some of equal content; ends when the service does. */
async function uploadUntilKilled(url: string, answered: Map<string, string>): Promise<void> {
  for (;;) {
    const isShared = randomInt(4) === 0;
    const bytes = isShared ? Buffer.alloc(4_000, randomInt(5)) : randomBytes(randomInt(1, 400_000));
    try {
      const uri = await uploadBytes((path, init) => ask(url, path, init), bytes, { name: `${randomInt(1_000_000)}` });
      answered.set(uri, createHash('sha256').update(bytes).digest('hex'));
    } catch {
      return; // the connection broke with the process
    }
  }
}

/** The newest ones, which are in the greatest danger. */
async function lookAtAll(url: string, answered: ReadonlyMap<string, string>, most: number): Promise<void> {
  for (const [uri, sha256] of [...answered].slice(-most)) {
    const response = await ask(url, pathOf(uri));
    assert.equal(response.status, 200, `${uri} was answered, and is ${response.status} after a crash`);
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, `${uri} has other bytes after a crash`);
  }
}

import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startProcess } from './process.ts';
import { ask, type Engine, makeServiceFolder, pathOf, uploadBytes } from './service.ts';

const CONCURRENT_UPLOADS = 8;
/** Counted in answers, not in time, so that as much is through on a slow machine as on a fast one. */
const MOST_ANSWERS = 8;
/** After the last of them, so that the kill hits any step of the uploads that are on their way. */
const LONGEST_DELAY_MS = 50;

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
    const enough = answered.size + MOST_ANSWERS - (round % (MOST_ANSWERS + 1)); // in some rounds, none
    const { promise: isEnough, resolve } = Promise.withResolvers<void>();
    const look = () => answered.size >= enough && resolve();
    look();
    const uploaders = Promise.all(
      Array.from({ length: CONCURRENT_UPLOADS }, () => uploadUntilKilled(service.url, answered, look)),
    );
    await Promise.race([isEnough, uploaders]);
    assert.ok(answered.size >= enough, 'the uploads broke off before anybody killed the service');
    await setTimeout(randomInt(LONGEST_DELAY_MS));
    await service.kill('SIGKILL');
    await uploaders;
  }
  const service = await startProcess(t, folder);
  await lookAtAll(service.url, answered, answered.size);
  await service.kill('SIGTERM');
  return answered.size;
}

/** Small files and large ones, some of equal content; ends when the service does. */
async function uploadUntilKilled(url: string, answered: Map<string, string>, onAnswer: () => void): Promise<void> {
  for (;;) {
    const isShared = randomInt(4) === 0;
    const bytes = isShared ? Buffer.alloc(4_000, randomInt(5)) : randomBytes(randomInt(1, 400_000));
    try {
      const uri = await uploadBytes((path, init) => ask(url, path, init), bytes, { name: `${randomInt(1_000_000)}` });
      answered.set(uri, createHash('sha256').update(bytes).digest('hex'));
      onAnswer();
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

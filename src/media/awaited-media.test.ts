import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBus } from '../cluster/index.ts';
import { formatMxcUri, type MxcUri } from '../matrix/index.ts';
import { awaitMedia } from './awaited-media.ts';
import type { MediaParts } from './media-parts.ts';
import type { MediaRecord } from './media-records.ts';

const uri = { origin: 'example.org', mediaId: 'announced' } as MxcUri;
const record = { media: {}, requiresAuthentication: false } as MediaRecord;

test('a reader that is woken sees the upload, although another reader asked before it was there', async () => {
  const bus = createBus();
  let isThere = false;
  const parts = {
    bus,
    now: () => 0,
    steadyNow: () => 0,
    database: { db: { selectFrom: () => chain({ expires_ts: 1000 }) } },
    records: {
      find: async () => undefined, // shares what another reader asked before the commit
      findNow: async () => (isThere ? record : undefined),
    },
  } as unknown as MediaParts; // all that is used of them
  const found = awaitMedia(parts, uri, 60_000, new AbortController().signal);
  await new Promise(setImmediate);
  isThere = true;
  bus.publish('upload_mxc', formatMxcUri(uri));
  assert.equal(await found, record);
});

test('who waits for an ID that expires meanwhile learns that there is no such media', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const parts = {
    bus: createBus(),
    now: () => now,
    steadyNow: () => now,
    database: { db: { selectFrom: () => chain({ expires_ts: 1000 }) } },
    records: { findNow: async () => undefined },
  } as unknown as MediaParts; // all that is used of them
  const found = awaitMedia(parts, uri, 20_000, new AbortController().signal);
  await new Promise(setImmediate);
  now = 20_000;
  t.mock.timers.tick(20_000);
  assert.equal(await found, undefined);
});

/** A query whose one row is this. */
function chain(row: object): object {
  return { selectAll: () => chain(row), where: () => chain(row), executeTakeFirst: async () => row };
}

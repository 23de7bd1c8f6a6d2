import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import {
  ConditionFailed,
  contentIsNew,
  type Database,
  distinctDatastoreIds,
  findBlurhash,
  findKnownContent,
  findMedia,
  findMediaAndRestriction,
  findMediaByHash,
  findObjectWithHash,
  findThumbnail,
  findThumbnailOfContent,
  findThumbnailVariant,
  findThumbnailVariantOfContent,
  insertMedia,
  type MediaRow,
  measureDatastores,
  moveObject,
  objectIsReferenced,
  requiresAuthentication,
  restrictToAuthenticated,
  saveBlurhash,
  saveThumbnail,
  saveThumbnailVariant,
  type ThumbnailRow,
  touchLastAccess,
  UniqueViolation,
} from '../../src/database/index.ts';
import { usePostgres } from '../postgres.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();

const engines: Record<string, { skip: string | false; open: (t: TestContext) => Promise<Database> }> = {
  SQLite: { skip: false, open: (t) => openForTest(t, { sqlite: ':memory:' }) },
  PostgreSQL: {
    skip: postgres.skip,
    open: async (t) => openForTest(t, { postgres: await postgres.createDatabase(t) }),
  },
};

function makeMedia(differing: Partial<MediaRow> = {}): MediaRow {
  return {
    origin: 'example.org',
    media_id: 'picture',
    upload_name: 'picture.png',
    content_type: 'image/png',
    user_id: '@alice:example.org',
    sha256_hash: 'a'.repeat(64),
    size_bytes: 5_000_000_000,
    location: 'aa/bb/object',
    creation_ts: 1_700_000_000_000,
    quarantined: false,
    datastore_id: 'main',
    ...differing,
  };
}

function makeThumbnail(differing: Partial<ThumbnailRow> = {}): ThumbnailRow {
  return {
    origin: 'example.org',
    media_id: 'picture',
    width: 96,
    height: 96,
    method: 'crop',
    content_type: 'image/png',
    size_bytes: 400,
    location: 'cc/dd/small',
    creation_ts: 1_700_000_000_000,
    animated: false,
    sha256_hash: 'b'.repeat(64),
    datastore_id: 'small',
    ...differing,
  };
}

for (const [engine, { skip, open }] of Object.entries(engines)) {
  const testOn = (name: string, run: (database: Database, t: TestContext) => Promise<void>) =>
    test(`${engine}: ${name}`, { skip }, async (t) => run(await open(t), t));

  testOn('a media row comes back as it was written', async ({ db, atomically }) => {
    const row = makeMedia({ quarantined: true });
    await atomically([insertMedia(db, row)]);
    assert.deepEqual({ ...(await findMedia(db, row.origin, row.media_id)) }, row);
    assert.equal(await findMedia(db, 'elsewhere.example.org', row.media_id), undefined);
  });

  testOn('text keeps every character, and a quote in it is only a quote', async ({ db, atomically }) => {
    const row = makeMedia({ upload_name: `it's "naïve" \\ 絵.png'; drop table media; --`, media_id: '🙂' });
    await atomically([insertMedia(db, row)]);
    assert.deepEqual({ ...(await findMedia(db, row.origin, '🙂')) }, row);
  });

  testOn('a second row for an mxc URI is refused, and nothing of its transaction stays', async ({ db, atomically }) => {
    const row = makeMedia();
    await atomically([insertMedia(db, row)]);
    const again = atomically([
      touchLastAccess(db, row.sha256_hash, 5),
      insertMedia(db, row),
      insertMedia(db, makeMedia({ media_id: 'other' })),
    ]);
    await assert.rejects(again, (error) => error instanceof UniqueViolation && error.table === 'media');
    assert.equal((await findMediaByHash(db, row.sha256_hash, 10)).length, 1);
    assert.deepEqual(await db.selectFrom('last_access').selectAll().execute(), []);
  });

  testOn('rows that point at an object are written only while another row does', async (database) => {
    const { db, atomically } = database;
    const other = insertMedia(db, makeMedia({ media_id: 'other' }));
    await assert.rejects(atomically([other], [objectIsReferenced(database, makeMedia())]), ConditionFailed);
    assert.equal(await findMedia(db, 'example.org', 'other'), undefined);
    await atomically([saveThumbnail(db, makeThumbnail())]);
    await assert.rejects(atomically([other], [objectIsReferenced(database, makeMedia())]), ConditionFailed);
    await atomically([other], [objectIsReferenced(database, makeThumbnail())]);
    await atomically([insertMedia(db, makeMedia())], [objectIsReferenced(database, makeMedia())]);
  });

  testOn('content that several bring at once is new to one of them', async (database) => {
    const { db, atomically } = database;
    const bring = (mediaId: string) =>
      atomically([insertMedia(db, makeMedia({ media_id: mediaId }))], contentIsNew(database, 'a'.repeat(64)));
    const results = await Promise.allSettled(['one', 'two', 'three', 'four'].map(bring));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    assert.equal(refused.length, 3);
    for (const reason of refused) assert.ok(reason instanceof ConditionFailed);
    assert.equal((await findMediaByHash(db, 'a'.repeat(64), 10)).length, 1);
    await atomically([saveThumbnail(db, makeThumbnail())], contentIsNew(database, 'b'.repeat(64)));
    await assert.rejects(atomically([insertMedia(db, makeMedia())], contentIsNew(database, 'b'.repeat(64))));
  });

  testOn('an empty transaction is done at once', ({ atomically }) => atomically([]));

  testOn('a transaction of many steps is all or nothing', async ({ db }) => {
    const half = db.transaction().execute(async (transaction) => {
      await transaction.insertInto('media').values(makeMedia()).execute();
      assert.notEqual(await findMedia(transaction, 'example.org', 'picture'), undefined);
      throw new Error('changed its mind');
    });
    await assert.rejects(half, /changed its mind/);
    assert.equal(await findMedia(db, 'example.org', 'picture'), undefined);

    await db.transaction().execute(async (transaction) => {
      await transaction.insertInto('media').values(makeMedia()).execute();
      await transaction.updateTable('media').set({ upload_name: 'renamed.png' }).execute();
    });
    assert.equal((await findMedia(db, 'example.org', 'picture'))?.upload_name, 'renamed.png');
  });

  testOn('transactions at the same time do not mix', async ({ db }) => {
    const add = (media_id: string) =>
      db.transaction().execute(async (transaction) => {
        await transaction.insertInto('media').values(makeMedia({ media_id })).execute();
        if (media_id.startsWith('bad')) throw new Error('no');
      });
    const outcomes = await Promise.allSettled(['good-1', 'bad-1', 'good-2', 'bad-2'].map(add));
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
    );
    const rows = await db.selectFrom('media').select('media_id').orderBy('media_id').execute();
    assert.deepEqual(
      rows.map((row) => row.media_id),
      ['good-1', 'good-2'],
    );
  });

  testOn('content is found by its hash, oldest first and no more than asked for', async ({ db, atomically }) => {
    const row = makeMedia();
    await atomically([
      insertMedia(db, { ...row, media_id: 'second', creation_ts: 2 }),
      insertMedia(db, { ...row, media_id: 'first', creation_ts: 1 }),
      insertMedia(db, { ...row, media_id: 'third', creation_ts: 3 }),
      insertMedia(db, { ...row, media_id: 'other', sha256_hash: 'f'.repeat(64) }),
    ]);
    const found = await findMediaByHash(db, row.sha256_hash, 2);
    assert.deepEqual(
      found.map(({ media_id }) => media_id),
      ['first', 'second'],
    );
  });

  testOn('an earlier upload is the same one only if everything is the same', async ({ db, atomically }) => {
    const row = makeMedia();
    await atomically([insertMedia(db, row)]);
    assert.equal((await findKnownContent(db, row)).earlierMediaId, 'picture');
    for (const differing of [
      { sha256_hash: 'f'.repeat(64) },
      { user_id: '@bob:example.org' },
      { upload_name: 'other.png' },
      { content_type: 'image/webp' },
      { origin: 'elsewhere.example.org' },
    ]) {
      const { earlierMediaId } = await findKnownContent(db, { ...row, ...differing });
      assert.equal(earlierMediaId, undefined, JSON.stringify(differing));
    }
  });

  testOn('content is quarantined as soon as one of its media is', async ({ db, atomically }) => {
    const row = makeMedia();
    await atomically([insertMedia(db, row)]);
    assert.equal((await findKnownContent(db, row)).isQuarantined, false);
    await atomically([insertMedia(db, makeMedia({ media_id: 'bad', quarantined: true }))]);
    assert.equal((await findKnownContent(db, row)).isQuarantined, true);
  });

  testOn('media and its restriction come together', async ({ db, atomically }) => {
    const row = makeMedia();
    assert.equal(await findMediaAndRestriction(db, row.origin, row.media_id), undefined);
    await atomically([insertMedia(db, row), insertMedia(db, makeMedia({ media_id: 'open' }))]);
    await atomically([restrictToAuthenticated(db, row.origin, row.media_id)]);
    await atomically([restrictToAuthenticated(db, row.origin, row.media_id)]);
    assert.deepEqual(await findMediaAndRestriction(db, row.origin, row.media_id), {
      media: row,
      requiresAuthentication: true,
    });
    assert.equal((await findMediaAndRestriction(db, row.origin, 'open'))?.requiresAuthentication, false);
    assert.equal(await requiresAuthentication(db, row.origin, row.media_id), true);
    assert.equal(await requiresAuthentication(db, row.origin, 'open'), false);
  });

  testOn('a condition that says no, or is not known, restricts nothing', async ({ db, atomically }) => {
    await atomically([insertMedia(db, makeMedia()), insertMedia(db, makeMedia({ media_id: 'odd' }))]);
    const type = 'io.t2bot.requires_authentication';
    const condition = { origin: 'example.org', condition_type: type, condition_value: 'false' };
    await atomically([
      db.insertInto('restricted_media').values({ ...condition, media_id: 'picture' }),
      db
        .insertInto('restricted_media')
        .values({ ...condition, media_id: 'odd', condition_type: 'x', condition_value: 'true' }),
    ]);
    for (const mediaId of ['picture', 'odd']) {
      assert.equal(await requiresAuthentication(db, 'example.org', mediaId), false);
      assert.equal((await findMediaAndRestriction(db, 'example.org', mediaId))?.requiresAuthentication, false);
    }
  });

  testOn('the last access moves forward only', async ({ db, atomically }) => {
    for (const ts of [2_000, 5_000, 3_000]) await atomically([touchLastAccess(db, 'hash', ts)]);
    const rows = await db.selectFrom('last_access').selectAll().execute();
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [{ sha256_hash: 'hash', last_access_ts: 5_000 }],
    );
  });

  testOn('a thumbnail is found by all that makes it different', async ({ db, atomically }) => {
    const row = makeThumbnail({ animated: true });
    await atomically([saveThumbnail(db, { ...row, location: 'of an object that was lost' })]);
    await atomically([saveThumbnail(db, row)]);
    assert.deepEqual({ ...(await findThumbnail(db, row)) }, row);
    for (const differing of [
      { width: 97 },
      { height: 97 },
      { method: 'scale' },
      { animated: false },
      { media_id: 'x' },
    ]) {
      assert.equal(await findThumbnail(db, { ...row, ...differing }), undefined, JSON.stringify(differing));
    }
  });

  testOn('a thumbnail serves every media of the same content', async ({ db, atomically }) => {
    const media = makeMedia();
    const row = makeThumbnail();
    await atomically([insertMedia(db, media), saveThumbnail(db, row)]);
    assert.deepEqual({ ...(await findThumbnailOfContent(db, media.sha256_hash, row)) }, row);
    assert.equal(await findThumbnailOfContent(db, media.sha256_hash, { ...row, width: 97 }), undefined);
    assert.equal(await findThumbnailOfContent(db, 'f'.repeat(64), row), undefined);
  });

  testOn('an object is found through media and through thumbnails', async ({ db, atomically }) => {
    const media = makeMedia();
    const thumbnail = makeThumbnail();
    await atomically([insertMedia(db, media), saveThumbnail(db, thumbnail)]);
    assert.deepEqual(
      { ...(await findObjectWithHash(db, media.sha256_hash)) },
      { datastore_id: 'main', location: 'aa/bb/object', size_bytes: 5_000_000_000 },
    );
    assert.equal((await findObjectWithHash(db, thumbnail.sha256_hash))?.location, 'cc/dd/small');
    assert.equal(await findObjectWithHash(db, 'f'.repeat(64)), undefined);
    for (const hash of [media.sha256_hash, thumbnail.sha256_hash, 'f'.repeat(64)]) {
      const row = await findObjectWithHash(db, hash);
      const { object } = await findKnownContent(db, { ...media, sha256_hash: hash });
      assert.deepEqual(object, row && { ...row }, 'an upload finds the same');
    }
  });

  testOn(
    'a moved object is found at its new place by every row, and no other object moves',
    async ({ db, atomically }) => {
      const from = { datastore_id: 'main', location: 'aa/bb/object' };
      const to = { datastore_id: 'other', location: 'ee/ff/moved' };
      await atomically([
        insertMedia(db, makeMedia()),
        insertMedia(db, makeMedia({ media_id: 'copy' })),
        insertMedia(db, makeMedia({ media_id: 'elsewhere', datastore_id: 'third' })),
        saveThumbnail(db, makeThumbnail(from)),
      ]);
      await atomically(moveObject(db, from, to));
      const places = await db.selectFrom('media').select(['media_id', 'datastore_id']).orderBy('media_id').execute();
      assert.deepEqual(
        places.map((row) => row.datastore_id),
        ['other', 'third', 'other'],
      );
      assert.equal((await findThumbnail(db, makeThumbnail()))?.location, 'ee/ff/moved');
    },
  );

  testOn('a thumbnail in another type is found and moved like the others, and displaces none', async (database) => {
    const { db, atomically } = database;
    const usual = makeThumbnail();
    const { animated: _, ...place } = usual;
    const variant = { ...place, content_type: 'image/webp', sha256_hash: 'e'.repeat(64), location: 'gg/hh/webp' };
    await atomically([insertMedia(db, makeMedia()), saveThumbnail(db, usual), saveThumbnailVariant(db, variant)]);
    await atomically([saveThumbnailVariant(db, { ...variant, datastore_id: 'variants' })]); // made again
    const kept = { ...variant, datastore_id: 'variants' };
    assert.deepEqual({ ...(await findThumbnailVariant(db, variant)) }, kept);
    assert.deepEqual({ ...(await findThumbnailVariantOfContent(db, makeMedia().sha256_hash, variant)) }, kept);
    assert.equal(await findThumbnailVariant(db, { ...variant, content_type: 'image/avif' }), undefined);
    assert.deepEqual({ ...(await findThumbnail(db, usual)) }, usual);

    assert.equal((await findObjectWithHash(db, variant.sha256_hash))?.location, 'gg/hh/webp');
    assert.ok((await distinctDatastoreIds(db)).includes('variants'));
    await atomically(moveObject(db, kept, { datastore_id: 'main', location: 'ii/jj/moved' }));
    assert.equal((await findThumbnailVariant(db, variant))?.location, 'ii/jj/moved');
  });

  testOn('every datastore that is needed is listed once', async ({ db, atomically }) => {
    assert.deepEqual(await distinctDatastoreIds(db), []);
    await atomically([
      insertMedia(db, makeMedia()),
      insertMedia(db, makeMedia({ media_id: 'second' })),
      insertMedia(db, makeMedia({ media_id: 'third', datastore_id: '' })),
      saveThumbnail(db, makeThumbnail()),
      db.insertInto('export_parts').values({
        export_id: 'e',
        index: 1,
        size_bytes: 1,
        file_name: 'export-part-1.tgz',
        datastore_id: 'archives',
        location: 'x',
      }),
    ]);
    assert.deepEqual((await distinctDatastoreIds(db)).toSorted(), ['', 'archives', 'main', 'small']);
  });

  testOn('what a datastore holds is the sum of its objects, each counted once', async ({ db, atomically }) => {
    assert.deepEqual(await measureDatastores(db), new Map());
    const media = makeMedia({ size_bytes: 3_000_000_000 });
    await atomically([
      insertMedia(db, media),
      insertMedia(db, { ...media, media_id: 'same-object' }),
      insertMedia(db, { ...media, media_id: 'another', location: 'xx/yy/another', size_bytes: 20 }),
      saveThumbnail(db, {
        ...makeThumbnail(),
        datastore_id: media.datastore_id,
        location: 'tt/uu/small',
        size_bytes: 1,
      }),
      saveThumbnail(db, {
        ...makeThumbnail(),
        width: 7,
        datastore_id: 'small',
        location: media.location,
        size_bytes: 4,
      }),
    ]);
    assert.deepEqual(
      await measureDatastores(db),
      new Map([
        [media.datastore_id, 3_000_000_021],
        ['small', 4],
      ]),
    );
  });

  testOn('the bytes of each user are counted as media come, change and go', async ({ db, atomically }) => {
    const counts = async () => {
      const rows = await db.selectFrom('user_stats').selectAll().orderBy('user_id').execute();
      return Object.fromEntries(rows.map((row) => [row.user_id, row.uploaded_bytes]));
    };
    const [alice, bob] = ['@alice:example.org', '@bob:example.org'];
    const media = db.updateTable('media').where('media_id', '=', 'one');
    await atomically([
      insertMedia(db, makeMedia({ media_id: 'one', size_bytes: 100 })),
      insertMedia(db, makeMedia({ media_id: 'two', size_bytes: 20 })),
      insertMedia(db, makeMedia({ media_id: 'remote', size_bytes: 3, user_id: '' })),
    ]);
    assert.deepEqual(await counts(), { '': 3, [alice]: 120 });
    await media.set({ quarantined: true }).execute();
    assert.deepEqual(await counts(), { '': 3, [alice]: 120 });
    await media.set({ size_bytes: 150 }).execute();
    assert.deepEqual(await counts(), { '': 3, [alice]: 170 });
    await media.set({ user_id: bob, size_bytes: 151 }).execute();
    assert.deepEqual(await counts(), { '': 3, [alice]: 20, [bob]: 151 });
    await db.deleteFrom('media').execute();
    assert.deepEqual(await counts(), { '': 0, [alice]: 0, [bob]: 0 });
  });

  testOn('sums and counts are numbers, and what was changed is counted', async ({ db, atomically }) => {
    await atomically([insertMedia(db, makeMedia()), insertMedia(db, makeMedia({ media_id: 'two' }))]);
    const found = await db
      .selectFrom('media')
      .select((where) => [where.fn.countAll<number>().as('count'), where.fn.sum<number>('size_bytes').as('bytes')])
      .executeTakeFirst();
    assert.deepEqual({ ...found }, { count: 2, bytes: 10_000_000_000 });
    const renamed = await db.updateTable('media').set({ upload_name: 'x' }).executeTakeFirst();
    assert.equal(renamed.numUpdatedRows, 2n);
  });

  testOn('a task comes back with its number and its parameters', async ({ db }) => {
    const task = await db
      .insertInto('background_tasks')
      .values({ task: 'export_data', params: '{"a":[1]}', start_ts: 1, end_ts: 0 })
      .returningAll()
      .executeTakeFirst();
    assert.deepEqual(
      { ...task },
      { id: 1, task: 'export_data', params: { a: [1] }, start_ts: 1, end_ts: 0, error: '' },
    );
  });

  testOn('media has one blurhash: the newest', async ({ db, atomically }) => {
    await atomically([
      saveBlurhash(db, 'example.org', 'picture', 'L00000'),
      saveBlurhash(db, 'example.org', 'other', 'L1'),
    ]);
    await atomically([saveBlurhash(db, 'example.org', 'picture', 'L22222')]);
    assert.equal(await findBlurhash(db, 'example.org', 'picture'), 'L22222');
    assert.equal(await findBlurhash(db, 'example.com', 'picture'), undefined);
  });

  testOn('a check is a round trip, and ends with its signal', async ({ check }) => {
    await check(new AbortController().signal);
    await assert.rejects(check(AbortSignal.abort()), { name: 'Error', status: 503 });
  });
}

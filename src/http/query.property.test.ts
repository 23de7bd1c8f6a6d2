import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPlayedServer, TOKEN } from '../../test/http-server.ts';
import { NotFound } from '../matrix/index.ts';

const name = fc.constantFrom(
  'width',
  'height',
  'method',
  'animated',
  'timeout_ms',
  'allow_remote',
  'allow_redirect',
  'asAttachment',
  'filename',
  'user_id',
  '__proto__',
  'constructor',
);
const value = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '1',
    '-1',
    '96',
    '1e3',
    '99999999999999999999',
    'true',
    'False',
    'crop',
    'NaN',
    '%',
    '%ff',
    '%00',
  ),
  fc
    .string({ unit: 'binary', maxLength: 20 })
    .filter((text) => text.isWellFormed())
    .map(encodeURIComponent),
);
const query = fc
  .array(fc.tuple(name, value), { maxLength: 6 })
  .map((pairs) => pairs.map(([key, text]) => `${key}=${text}`).join('&'));

test('whatever a query holds, it is refused with 400 or the media is looked for, and nothing breaks', async (t) => {
  const open = async () => {
    throw new NotFound();
  };
  const { app } = await createPlayedServer(t, { open, openThumbnail: open });
  const headers = { host: 'example.org', authorization: `Bearer ${TOKEN}` };
  await fc.assert(
    fc.asyncProperty(query, fc.constantFrom('download', 'thumbnail'), fc.boolean(), async (text, endpoint, isOpen) => {
      const prefix = isOpen ? '/_matrix/media/v3' : '/_matrix/client/v1/media';
      const answer = await app.inject({ url: `${prefix}/${endpoint}/example.org/abc?${text}`, headers });
      assert.ok(answer.statusCode === 400 || answer.statusCode === 404, `${answer.statusCode} ${answer.body}`);
      assert.equal(typeof answer.json().errcode, 'string');
    }),
    { numRuns: 300 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'content-disposition';
import fc from 'fast-check';
import { formatDisposition } from './content-disposition.ts';
import { cleanUploadName } from './upload-name.ts';

const INLINE =
  'text/css text/plain text/csv application/json application/ld+json image/jpeg image/gif image/png image/apng image/webp image/avif video/mp4 video/webm video/ogg video/quicktime audio/mp4 audio/webm audio/aac audio/mpeg audio/ogg audio/wave audio/wav audio/x-wav audio/x-pn-wav audio/flac audio/x-flac';

for (const type of INLINE.split(' ')) {
  test(`${type} is shown, however it is written`, () => {
    assert.equal(formatDisposition(type, undefined), 'inline');
    assert.equal(formatDisposition(type.toUpperCase(), undefined), 'inline');
    assert.equal(formatDisposition(`${type}; charset=utf-8`, undefined), 'inline');
    assert.equal(formatDisposition(`${type} ;x=y`, undefined), 'inline');
  });
}

const ATTACHED = [
  'text/html',
  'TEXT/HTML',
  'image/svg+xml',
  'image/SVG+XML; charset=utf-8',
  'text/xml',
  'application/xml',
  'application/xhtml+xml',
  'text/javascript',
  'application/javascript',
  'application/pdf',
  'application/octet-stream',
  'image/jpg',
  'img/png',
  'text/html;image/png',
  'text/html, text/plain',
  'image/png,text/html',
  ';text/plain',
  '',
];
for (const type of ATTACHED) {
  test(`${JSON.stringify(type)} is saved, never run`, () =>
    assert.equal(formatDisposition(type, undefined), 'attachment'));
}

const NAMES = [
  'plain.txt',
  'name with spaces',
  'name;with;semicolons',
  'name "in quotes".txt',
  String.raw`back\slash`,
  'a/b/../c',
  'chicken 🐔',
  '☕',
  'naïve café.txt',
  '100%41.txt',
  "it's (a) *name*",
  '.',
  '..',
  '=?UTF-8?Q?x?=',
  'x'.repeat(255),
  '文'.repeat(85),
];
for (const name of NAMES) {
  test(`the file name ${JSON.stringify(name.slice(0, 30))} comes back as it was`, () => {
    for (const type of ['text/plain', 'text/html']) {
      const header = formatDisposition(type, name);
      assert.match(header, /^[\x20-\x7e]+$/);
      assert.equal(parse(header).parameters['filename'], name);
    }
  });
}

test('a name that a client chose is always safe in the header, and comes back as it is kept', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (sent) => {
      const kept = cleanUploadName(sent);
      const header = formatDisposition('text/plain', kept);
      assert.match(header, /^[\x20-\x7e]+$/);
      assert.equal(parse(header).parameters['filename'], kept);
    }),
  ));

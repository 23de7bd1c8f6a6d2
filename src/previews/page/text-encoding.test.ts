import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTextReader } from './read-text.ts';
import { findEncoding } from './text-encoding.ts';

const PRIVET = 'Привет, как дела? Это обычная страница на русском языке, и она написана давно.';
const FRENCH =
  "Un caf\xe9 cr\xe8me \xe0 la carte, d\xe9j\xe0 vu: l'\xe9t\xe9 o\xf9 les \xe9l\xe8ves ont \xe9t\xe9 \xe0 la plage.";
const bytes = (text: string) => Buffer.from(text, 'latin1');
/** In an encoding in which each Cyrillic letter is one byte. */
const inWindows1251 = (text: string) =>
  Buffer.from(
    [...text].map((letter) => (/[А-я]/.test(letter) ? letter.charCodeAt(0) - 0x410 + 0xc0 : letter.charCodeAt(0))),
  );

test('the mark at the begin decides, then UTF-8, then the header, then the page', () => {
  const meta = '<meta charset="koi8-r">';
  assert.equal(findEncoding(bytes('\xef\xbb\xbfabc'), 'koi8-r'), 'utf-8');
  assert.equal(findEncoding(bytes('\xfe\xff\0a'), 'koi8-r'), 'utf-16be');
  assert.equal(findEncoding(Buffer.from(`${meta}ä`), 'windows-1251'), 'utf-8');
  assert.equal(findEncoding(bytes(`${meta}\xe4`), 'windows-1251'), 'windows-1251');
  assert.equal(findEncoding(bytes(`${meta}\xe4`), undefined), 'koi8-r');
  assert.equal(findEncoding(bytes(`${meta}abc`), undefined), 'koi8-r');
  assert.equal(findEncoding(bytes('abc'), undefined), 'utf-8');
});

test('labels are understood as browsers understand them', () => {
  assert.equal(findEncoding(bytes('\xe4'), 'ISO-8859-1'), 'windows-1252');
  assert.equal(findEncoding(bytes('\xe4'), ' x-sjis '), 'shift_jis');
  assert.equal(findEncoding(bytes('\xe4'), 'gb2312'), 'gbk');
  for (const odd of ['nonsense', 'replacement', 'hz-gb-2312']) {
    assert.equal(findEncoding(bytes('<meta charset=gbk>\xe4'), odd), 'gbk', odd);
  }
});

test('what a page says of itself is found in all its forms', () => {
  const said = [
    '<meta charset=shift_jis>',
    "<meta http-equiv='Content-Type' content='text/html; charset=shift_jis'>",
    '<?xml version="1.0" encoding="Shift_JIS"?>',
    '<META\nCHARSET = "Shift_JIS">',
  ];
  for (const text of said) assert.equal(findEncoding(bytes(`${text}\xe4`), undefined), 'shift_jis', text);
  assert.equal(findEncoding(bytes('<meta charset=utf-16>\xe4'), undefined), 'utf-8');
});

test('what nobody says is guessed by the letters', () => {
  assert.equal(findEncoding(inWindows1251(`<title>${PRIVET}</title>`), undefined), 'windows-1251');
  const shiftJis = Buffer.from('82b182f182c982bf82cd814190a28a4581428da193fa82cd82a282a2935b8b4382c582b7', 'hex');
  assert.equal(findEncoding(shiftJis, undefined), 'shift_jis');
  assert.equal(findEncoding(bytes(FRENCH), undefined), 'windows-1252');
});

test('a text is the same in whatever pieces it comes, also when a piece ends within a character', async () => {
  for (const [whole, label] of [
    [Buffer.from(`${'ä'.repeat(9_000)}€`), undefined],
    [inWindows1251(PRIVET), 'windows-1251'],
    [Buffer.from('a', 'utf16le'), 'utf-16le'],
  ] as const) {
    const texts = [1, 7, whole.length].map((length) => textOf(whole, length, label));
    assert.equal(new Set(texts).size, 1);
    assert.doesNotMatch(texts[0] ?? '', /\ufffd/);
  }
});

test('bytes that are no text in the encoding do not end it', async () => {
  assert.equal(textOf(bytes('a\xffb'), 3, 'utf-8'), 'a\ufffdb');
});

function textOf(whole: Uint8Array, pieceLength: number, label: string | undefined): string {
  const reader = createTextReader(label);
  let text = '';
  for (let at = 0; at < whole.length; at += pieceLength) text += reader.write(whole.subarray(at, at + pieceLength));
  return text + reader.end();
}

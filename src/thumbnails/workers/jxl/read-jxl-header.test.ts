import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeJxl, makeJxlClaiming, packJxl, SPECIAL_JXL } from '../../../../test/jxl.ts';
import { findCodestream } from './find-codestream.ts';
import { readJxlHeader } from './read-jxl-header.ts';

const read = (source: Buffer) => {
  const codestream = findCodestream(source);
  return codestream && readJxlHeader(codestream);
};

for (const [width, height] of [
  [8, 8],
  [256, 256],
  [256, 128],
  [160, 90],
  [40, 32],
  [683, 384],
  [1, 1],
  [9, 700],
  [1200, 1000],
] as const) {
  test(`the size of a JPEG XL of ${width}×${height} is in its header`, async () => {
    const codestream = await makeJxl({ width, height });
    const { width: foundWidth, height: foundHeight } = read(codestream) ?? {};
    assert.deepEqual([foundWidth, foundHeight], [width, height]);
  });
}

test('any size that a JPEG XL can claim is read', () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 30 }), fc.integer({ min: 1, max: 2 ** 30 }), (width, height) => {
      assert.deepEqual(read(makeJxlClaiming({ width, height })), { width, height, hasAlpha: false, isCmyk: false });
    }),
  ));

for (const [name, source] of Object.entries(SPECIAL_JXL)) {
  test(`the header of a JPEG XL ${name} tells how it will be seen`, () => {
    const hasAlpha = name === 'with a transparent corner';
    assert.deepEqual(read(source), { width: 48, height: 32, hasAlpha, isCmyk: false });
  });
}

test('black beside three colours is told', () => {
  // 16×16; not all as usual; no extra fields; 8 bits; small numbers; one more channel, of type 4.
  const bits = '1' + '10000' + '100' + '0' + '0' + '000' + '1' + '10' + '0' + '01' + '0100';
  const bytes = [...(bits + '0'.repeat(160)).matchAll(/.{8}/g)].map(([octet]) =>
    Number.parseInt([...octet].reverse().join(''), 2),
  );
  assert.deepEqual(readJxlHeader(Buffer.from([0xff, 0x0a, ...bytes])), {
    width: 16,
    height: 16,
    hasAlpha: false,
    isCmyk: true,
  });
});

test('a container is looked through, also when the header is cut in two', async () => {
  const codestream = await makeJxl({ width: 683, height: 384 });
  for (const cut of [undefined, 1, 3, 5, 40]) {
    assert.equal(read(packJxl(codestream, cut))?.width, 683, `cut after ${cut}`);
  }
});

test('what breaks off in its header is told, or is none', async () => {
  const codestream = await makeJxl({ width: 683, height: 384 });
  for (let bytes = 0; bytes < 6; bytes += 1) {
    const start = codestream.subarray(0, bytes);
    if (bytes < 2) assert.equal(findCodestream(start), undefined);
    else assert.throws(() => read(start), /breaks off/);
  }
  assert.equal(findCodestream(packJxl(codestream).subarray(0, 40)), undefined);
});

test('boxes of nonsense end', () => {
  const container = packJxl(Buffer.alloc(0));
  for (const size of [0, 1, 2, 7, 2 ** 32 - 1]) {
    const box = Buffer.from('00000000' + '6a786c78' + '0000000000000000', 'hex');
    box.writeUInt32BE(size);
    assert.equal(findCodestream(Buffer.concat([container.subarray(0, 32), box, box])), undefined);
  }
});

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import createEncoder from '@jsquash/jxl/codec/enc/jxl_enc.js';
import { type PictureShape, paint, UPRIGHT } from './pictures.ts';

/** Red and green above, blue and yellow below, without a container. */
export async function makeJxl({ width, height }: PictureShape): Promise<Buffer> {
  const wasm = fileURLToPath(import.meta.resolve('@jsquash/jxl/codec/enc/jxl_enc.wasm'));
  const options = { noInitialRun: true, wasmBinary: await readFile(wasm) };
  const encoder = await createEncoder(options);
  const rgb = paint(width, height, UPRIGHT);
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let pixel = 0; pixel < width * height; pixel += 1) rgba.set(rgb.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  const encoded = encoder.encode(rgba, width, height, {
    effort: 1,
    quality: 95,
    progressive: false,
    epf: -1,
    lossyPalette: false,
    decodingSpeedTier: 0,
    photonNoiseIso: 0,
    lossyModular: false,
    lossless: true,
  });
  return Buffer.from(encoded ?? []);
}

/** In a container, as a whole or cut into parts after so many bytes. */
export function packJxl(codestream: Buffer, cut?: number): Buffer {
  const parts = cut === undefined ? [codestream] : [codestream.subarray(0, cut), codestream.subarray(cut)];
  return Buffer.concat([
    Buffer.from('0000000c4a584c200d0a870a' + '00000014667479706a786c20000000006a786c20', 'hex'),
    ...parts.map((part, index) => {
      if (cut === undefined) return box('jxlc', part);
      const number = Buffer.alloc(4);
      number.writeUInt32BE(index + (index === parts.length - 1 ? 0x8000_0000 : 0)); // the last one is marked
      return box('jxlp', Buffer.concat([number, part]));
    }),
  ]);
}

/** A header without pixels. */
export function makeJxlClaiming({ width, height }: PictureShape): Buffer {
  const bits: number[] = [];
  const write = (value: number, count: number) => {
    for (let bit = 0; bit < count; bit += 1) bits.push(Math.floor(value / 2 ** bit) % 2);
  };
  write(0, 1); // not in eighths
  write(3, 2);
  write(height - 1, 30);
  write(0, 3); // no ratio
  write(3, 2);
  write(width - 1, 30);
  write(1, 1); // the rest as usual
  const header = Buffer.alloc(2 + Math.ceil(bits.length / 8));
  header.set([0xff, 0x0a]);
  for (const [index, bit] of bits.entries())
    header[2 + (index >> 3)] = (header[2 + (index >> 3)] ?? 0) | (bit << (index & 7));
  return Buffer.concat([header, Buffer.alloc(100)]);
}

function box(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

/**
 * What the encoder above cannot make. Each has 48×32 pixels as they are seen, red and green above, blue and yellow
 * below; made of PNGs with `cjxl -d 0 -e 9` of libjxl 0.7.
 */
export const SPECIAL_JXL = {
  'of orientation 6': Buffer.from(
    'AAAADEpYTCANCocKAAAAFGZ0eXBqeGwgAAAAAGp4bCAAAAEManhsY/8KC4YFQvKlIOEAmdxwr4LvJbNCyz9LSliRosSrj2V3hQXeC/y5Pv+5vp5r9O0s' +
      'GY1Gn85HCJsxbWYLAIB3xW6fTIz9hjSAzAlzZ84YOnJYAACA8us/jSdvur9Y0daf2jrY0UKqGL3nqQoAAAAgZSoAxzBuJgOfM0fKEQFSpgI4hnEzefqcIcNC' +
      'qL1WBzrd5gz382q3//47X8O7ENqvpP/+u2+o//7br4i7XApMTN6CWFw5dx9ErIXemuBjtSwpiHkL1FaiG1fMpFTeE9Nk/CmUUTYIAgEArABLKDQyjgUHBECd' +
      'cSb+x5gXCAIAYEYAgJsVBQmRogFSD2n87tlqClqbYAAE',
    'base64',
  ),
  'in Display P3': Buffer.from(
    '/woHQQhfChIOkA3ZeioU/B6ZFVr+d6SEEylKfPo49lZY4HvAzrO886x+z2jtOzIajZa+RQibMW1mBwCA/4q9lkyMbUMaQOaEuTNnDB05LAAAQPn1f41XUHFR' +
      'kbuo4n7vV843V0ndR2qtCwAAACBlKgCfYdxMBpYzB7qZAVKmAvgM42byazlDhoNQe60+6PSabxiBv3r777/zK/x3QvuF9N9/9w3133/9cXirocAlOuiX6/0B' +
      'UfqjsbuMWuPQYTZGFBnciydmUirviWkydgpllA0IAgEAoABLGJt8PBiYwoyY/3HpBYIAsDDYBNh/Va2QfUwe/OmyzIBFUSzyBmgS',
    'base64',
  ),
  'of 16 bits a channel': Buffer.from(
    'AAAADEpYTCANCocKAAAAFGZ0eXBqeGwgAAAAAGp4bCAAAAAJanhsbAoAAABEanhsY/8KB/EDUFwICAIBALgASygkxpUGFATAPf8nBov/GPMCQQAAXHcRrAYC' +
      'IABSwhgAtP+pkAcgVZkmObAetQ==',
    'base64',
  ),
  'with a transparent corner': Buffer.from(
    '/woHwYLiQggIEACwAEsoNDKOBQdMYELM/5h/ASEAgvELAALAQQZBo2XmkwcgpwAfZD1jhQbUcEsC',
    'base64',
  ),
  'in grey': Buffer.from('/woHQVBcCAgCAQCkAEsYixUAlJf3Mcb8CwABEECTAVA44NAKZ2SDAMoRDoxLFDrWvwECQ0oE', 'base64'),
} as const;

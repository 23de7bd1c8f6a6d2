/** Red, green and blue of colour spaces that are wider than sRGB, adapted to the white of profiles (D50). */
const COLORANTS = {
  p3: [
    [0.51512, 0.2412, -0.00105],
    [0.29198, 0.69225, 0.04189],
    [0.1571, 0.06657, 0.78407],
  ],
  bt2020: [
    [0.67348, 0.27904, -0.00194],
    [0.16566, 0.67534, 0.02998],
    [0.1251, 0.04561, 0.79686],
  ],
} as const;
const WHITE = [0.9642, 1, 0.82491] as const;
/** Of sRGB: (a·x + b)^g from d on, and c·x below. */
const CURVE = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045] as const;

const HEADER_BYTES = 128;

/** An ICC profile of wide primaries with the curve of sRGB. ICC.1:2022, sections 7, 10.18 and 10.31. */
export function makeRgbProfile(primaries: keyof typeof COLORANTS): Buffer {
  const [red, green, blue] = COLORANTS[primaries];
  const curve = makeElement('para', [3 << 16, ...CURVE.map(toFixed)]);
  const tags = [
    ['desc', makeText(primaries)],
    ['cprt', makeText('none')],
    ['wtpt', makeXyz(WHITE)],
    ['rXYZ', makeXyz(red)],
    ['gXYZ', makeXyz(green)],
    ['bXYZ', makeXyz(blue)],
    ['rTRC', curve],
    ['gTRC', curve],
    ['bTRC', curve],
  ] as const;
  const table = Buffer.alloc(4 + tags.length * 12);
  table.writeUInt32BE(tags.length);
  let start = HEADER_BYTES + table.length;
  for (const [index, [name, element]] of tags.entries()) {
    const place = 4 + index * 12;
    table.write(name, place, 'latin1');
    table.writeUInt32BE(start, place + 4);
    table.writeUInt32BE(element.length, place + 8);
    start += element.length;
  }
  return Buffer.concat([makeHeader(start), table, ...tags.map(([, element]) => element)]);
}

function makeHeader(profileBytes: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(profileBytes, 0);
  header.writeUInt32BE(0x0430_0000, 8); // version 4.3
  header.write('mntrRGB XYZ ', 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  for (const [index, value] of WHITE.entries()) header.writeInt32BE(toFixed(value), 68 + index * 4);
  return header;
}

function makeXyz(values: readonly number[]): Buffer {
  return makeElement('XYZ ', values.map(toFixed));
}

function makeElement(type: string, values: readonly number[]): Buffer {
  const element = Buffer.alloc(8 + values.length * 4);
  element.write(type, 0, 'latin1');
  for (const [index, value] of values.entries()) element.writeInt32BE(value, 8 + index * 4);
  return element;
}

/** In English, padded to a length that keeps what follows in place. */
function makeText(text: string): Buffer {
  const letters = Buffer.from(text.padEnd(text.length + (text.length % 2), ' '), 'utf16le').swap16();
  const head = makeElement('mluc', [1, 12, 0x656e_5553, letters.length, 28]);
  return Buffer.concat([head, letters]);
}

function toFixed(value: number): number {
  return Math.round(value * 65_536);
}

/** A letter as the strokes of a pen: its top is at 0, its foot at {@link HEIGHT}. */
interface Letter {
  readonly width: number;
  /** SVG path data in absolute coordinates, `M`, `L`, `A` and `Z` only. */
  readonly strokes: string;
}

const HEIGHT = 36;
const STROKE_WIDTH = 6;
const LETTER_GAP = 7;
const WORD_GAP = 25;

/** All that a machine without any font needs to say "media not allowed". */
const LETTERS: Readonly<Record<string, Letter>> = {
  a: { width: 34, strokes: 'M2.5 36L17 3L31.5 36M7 25L27 25' },
  d: { width: 31, strokes: 'M3 3L13 3A15 15 0 0 1 13 33L3 33Z' },
  e: { width: 24, strokes: 'M24 3L3 3L3 33L24 33M3 18L21 18' },
  i: { width: 6, strokes: 'M3 0L3 36' },
  l: { width: 22, strokes: 'M3 0L3 33L22 33' },
  m: { width: 38, strokes: 'M3 36L3 3L19 27L35 3L35 36' },
  n: { width: 31, strokes: 'M3 36L3 3L28 33L28 0' },
  o: { width: 37, strokes: 'M3 18A15.5 15 0 0 1 34 18A15.5 15 0 0 1 3 18Z' },
  t: { width: 28, strokes: 'M0 3L28 3M14 3L14 36' },
  w: { width: 46, strokes: 'M2.5 0L13 33L23 4L33 33L43.5 0' },
};

export interface Writing {
  /** SVG path data, to be stroked with this width; it begins at 0 and stands on 0. */
  readonly path: string;
  readonly strokeWidth: number;
  readonly width: number;
}

/** @param text of the letters above and single spaces */
export function writeInCapitals(text: string): Writing {
  const strokes: string[] = [];
  let x = 0;
  for (const word of text.split(' ')) {
    if (x > 0) x += WORD_GAP;
    for (const [index, name] of [...word].entries()) {
      const letter = LETTERS[name];
      if (letter === undefined) throw new Error(`There is no letter "${name}"`);
      if (index > 0) x += LETTER_GAP;
      strokes.push(move(letter.strokes, x, -HEIGHT));
      x += letter.width;
    }
  }
  return { path: strokes.join(''), strokeWidth: STROKE_WIDTH, width: x };
}

/** Only the last two numbers of a command are a place; those before them are radii and flags. */
function move(strokes: string, dx: number, dy: number): string {
  return strokes.replace(/(-?[\d.]+) (-?[\d.]+)(?=[MLZ]|A|$)/g, (_, x, y) => `${Number(x) + dx} ${Number(y) + dy}`);
}

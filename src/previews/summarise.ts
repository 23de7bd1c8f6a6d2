/** How much of a text a preview has. */
export interface TextLimits {
  readonly maxWords: number;
  /** Characters, as code points. */
  readonly maxLength: number;
}

const ELLIPSIS = '...';
const CHARACTERS = new Intl.Segmenter();

/**
 * The begin of a text that came from anywhere: whole words as long as they fit. Where that would leave less than half of
 * what fits, as with texts that have no spaces, it ends within a word, with an ellipsis.
 */
export function summarise(text: string, { maxWords, maxLength }: TextLimits): string {
  const words = tidy(text).split(' ').slice(0, Math.max(0, maxWords));
  const whole = words.join(' ');
  if (lengthOf(whole) <= maxLength) return whole;
  const fitting = joinFitting(words, maxLength);
  return lengthOf(fitting) * 2 >= maxLength ? fitting : cut(whole, maxLength);
}

/** Without what no record and no line of text can hold, and without what turns round the text behind it (U+202D, U+202E). */
function tidy(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\0-\x08\x0e-\x1f\x7f\u202d\u202e]/g, '')
    .trim()
    .replace(/\s{2,}/gu, ' ')
    .replace(/[\r\n]/g, ' ');
}

function joinFitting(words: readonly string[], maxLength: number): string {
  let joined = '';
  for (const word of words) {
    const longer = joined === '' ? word : `${joined} ${word}`;
    if (lengthOf(longer) > maxLength) break;
    joined = longer;
  }
  return joined;
}

/** Never through what is seen as one character. */
function cut(text: string, maxLength: number): string {
  const room = maxLength - ELLIPSIS.length;
  if (room <= 0) return [...text].slice(0, Math.max(0, maxLength)).join('');
  let kept = '';
  // A character can be made of any number of code points; more of them than fit are not looked at.
  const start = [...text].slice(0, maxLength).join('');
  for (const { segment } of CHARACTERS.segment(start)) {
    if (lengthOf(kept + segment) > room) break;
    kept += segment;
  }
  return kept.trimEnd() + ELLIPSIS;
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _character of text) length += 1;
  return length;
}

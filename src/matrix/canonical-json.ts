import { BadJson } from './errors.ts';

/** What is signed is never deep; this keeps a stranger's document from filling the stack. */
const MAX_DEPTH = 200;

/**
 * The one text that all servers write for the same value, and that signatures are made of. The value comes from
 * `JSON.parse`, or could. Specification: Appendices, "Canonical JSON".
 * @throws {BadJson} for a fraction, a number beyond 2^53-1, half a surrogate pair, what is not JSON, and depth
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return writeText(value);
    case 'number':
      return writeNumber(value);
    case 'boolean':
      return String(value);
    case 'object':
      break;
    default:
      throw new BadJson(`There is no canonical JSON for a value of the type ${typeof value}`);
  }
  if (value === null) return 'null';
  if (depth === MAX_DEPTH) throw new BadJson(`The JSON is nested more than ${MAX_DEPTH} deep`);
  // Array.from, because map would leave holes out
  if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, depth + 1)).join(',')}]`;
  const members = Object.entries(value).sort(([one], [other]) => compareByCodePoint(one, other));
  return `{${members.map(([name, member]) => `${writeText(name)}:${write(member, depth + 1)}`).join(',')}}`;
}

/** `JSON.stringify` escapes what the specification says, in lower case, and no more. */
function writeText(text: string): string {
  if (!text.isWellFormed()) throw new BadJson('A text in the JSON has half a surrogate pair, which is no character');
  return JSON.stringify(text);
}

function writeNumber(number: number): string {
  if (!Number.isSafeInteger(number)) {
    throw new BadJson(`${number} is in the JSON; allowed: whole numbers from -(2^53)+1 to 2^53-1`);
  }
  return String(number); // of -0 it makes 0
}

/** UTF-8 keeps the order of code points; JavaScript's own order, by UTF-16 units, differs beyond U+FFFF. */
function compareByCodePoint(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

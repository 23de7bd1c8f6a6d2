import chardet from 'chardet';

/** How much of a page is looked at to find out how it is written. */
export const PREFIX_BYTES = 16 * 1024;

/** More of it makes no better guess, and a quarter takes a quarter of the time: milliseconds. */
const GUESS_LENGTH = 4 * 1024;

const MARKS: readonly (readonly [encoding: string, mark: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16be', [0xfe, 0xff]],
  ['utf-16le', [0xff, 0xfe]],
];

/**
 * How the bytes of a page are to be read: what its first bytes say, else UTF-8 where it is that, whatever anybody says, else
 * what its sender says, else what it says itself, else what it looks like.
 * @param prefix its first {@link PREFIX_BYTES}, or all of it
 * @param declared of the `Content-Type` header
 */
export function findEncoding(prefix: Uint8Array, declared: string | undefined): string {
  const marked = MARKS.find(([, mark]) => mark.every((byte, at) => prefix[at] === byte));
  if (marked !== undefined) return marked[0];
  const isAscii = prefix.every((byte) => byte < 0x80);
  if (!isAscii && isUtf8(prefix)) return 'utf-8';
  const said = canonical(declared) ?? encodingInMarkup(prefix);
  if (said !== undefined) return said;
  return isAscii ? 'utf-8' : guess(prefix);
}

/** The encoding that a label means, if it is one that can be read. WHATWG Encoding, section 4.2. */
function canonical(label: string | undefined): string | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label.trim()).encoding;
  } catch {
    return undefined; // no encoding has this label, or it is one that nobody may read
  }
}

function isUtf8(prefix: Uint8Array): boolean {
  try {
    const mayEndWithin = prefix.length >= PREFIX_BYTES; // within a character
    new TextDecoder('utf-8', { fatal: true }).decode(prefix, { stream: mayEndWithin });
    return true;
  } catch {
    return false;
  }
}

/** `<meta charset>`, `<meta http-equiv>` or an XML declaration. HTML, "prescan a byte stream to determine its encoding". */
function encodingInMarkup(prefix: Uint8Array): string | undefined {
  const text = Buffer.from(prefix).toString('latin1');
  const [, inMeta] = /<meta\s[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(text) ?? [];
  const [, inXml] = /^\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)/i.exec(text) ?? [];
  const found = canonical(inMeta ?? inXml);
  return found?.startsWith('utf-16') ? 'utf-8' : found; // it has just been read byte by byte
}

/** By the text alone: the markup around it is ASCII, and would drown it. */
function guess(prefix: Uint8Array): string {
  const text = Buffer.from(prefix)
    .toString('latin1')
    .replace(/<[^<>]*>/g, ' ')
    .slice(0, GUESS_LENGTH);
  const found = chardet.detect(Buffer.from(text, 'latin1'));
  return canonical(found ?? undefined) ?? 'windows-1252';
}

import { Parser, type ParserOptions } from 'htmlparser2';
import { CollectedText } from './collected-text.ts';
import { readJsonLd } from './json-ld.ts';
import { MetadataReader } from './metadata.ts';
import type { PageFacts } from './page-facts.ts';
import { PictureChoice } from './picture-choice.ts';

/** How a page is written, by its type. XML that is no page is a feed, most likely. */
export type Syntax = 'html' | 'xhtml' | 'xml';

const OPTIONS: Readonly<Record<Syntax, ParserOptions>> = {
  html: {},
  xhtml: { recognizeSelfClosing: true, recognizeCDATA: true },
  xml: { xmlMode: true },
};

/** Reads a page as it comes, and keeps little of it, however long it is. */
export interface PageReader {
  write(text: string): void;
  /** Nothing that comes now would change anything. */
  readonly isDone: boolean;
  end(): PageFacts;
}

const HEADINGS: ReadonlySet<string> = new Set(['title', 'h1', 'h2', 'h3']);
/** Stand around the content, or are none. */
const AROUND: ReadonlySet<string> = new Set([
  ...['header', 'nav', 'aside', 'footer', 'noscript', 'script', 'style', 'template', 'svg', 'math', 'textarea'],
  ...['select', 'iframe', 'object', 'dialog', 'button', 'title', 'link'],
]);
/** Do not part words. */
const INLINE: ReadonlySet<string> = new Set([
  ...[
    'a',
    'abbr',
    'b',
    'bdi',
    'bdo',
    'cite',
    'code',
    'data',
    'del',
    'dfn',
    'em',
    'font',
    'i',
    'ins',
    'kbd',
    'mark',
    'q',
  ],
  ...['rp', 'rt', 'ruby', 's', 'samp', 'small', 'span', 'strong', 'sub', 'sup', 'time', 'tt', 'u', 'var', 'wbr'],
]);
const VOID_WITH_FACTS: ReadonlySet<string> = new Set(['meta', 'link', 'img', 'base']);
const ATTRIBUTES: ReadonlySet<string> = new Set([
  ...['property', 'name', 'itemprop', 'content', 'rel', 'href', 'src', 'width', 'height', 'sizes', 'type'],
]);

/** Who has not come to the point by then keeps what has been said. */
const LONG_LENGTH = 1_000_000;
/** Who has not said anything by then says nothing. */
const LONGEST_LENGTH = 3_000_000;
const MAX_ATTRIBUTE_LENGTH = 10_000;
const MAX_HEADING_LENGTH = 2_000;
const MAX_TEXT_LENGTH = 4_000;
const MAX_JSON_LENGTH = 200_000;
const MAX_SCRIPTS = 5;
/** The parser looks through all elements that are open for each that ends, so that their number has to have a bound. */
const MAX_DEPTH = 500;

export function createPageReader(syntax: Syntax = 'html'): PageReader {
  const metadata = new MetadataReader();
  const pictures = new PictureChoice();
  const headings = new Map<string, string>();
  const scripts: CollectedText[] = [];
  const paragraphs = new CollectedText(MAX_TEXT_LENGTH);
  const text = new CollectedText(MAX_TEXT_LENGTH);
  let element = '';
  let attributes = new Map<string, string>();
  let heading: { readonly name: string; readonly text: CollectedText } | undefined;
  let script: CollectedText | undefined;
  let depth = 0;
  /** How many elements are open around what is read. */
  const open = { around: 0, p: 0, svg: 0 };
  let isPastHead = false;
  let length = 0;

  const startElement = (name: string) => {
    element = name;
    if (VOID_WITH_FACTS.has(name)) attributes = new Map();
    script = undefined;
    depth += 1;
    if (AROUND.has(name)) open.around += 1;
    if (name === 'svg') open.svg += 1;
    if (name === 'p') open.p += 1;
    if (name === 'body') isPastHead = true;
    if (HEADINGS.has(name) && open.svg === 0 && !headings.has(name)) {
      heading = { name, text: new CollectedText(MAX_HEADING_LENGTH) };
    }
    separate(name);
  };

  const endElement = (name: string) => {
    depth -= 1;
    if (AROUND.has(name)) open.around -= 1;
    if (name === 'svg') open.svg -= 1;
    if (name === 'p') open.p -= 1;
    if (name === 'head') isPastHead = true;
    if (VOID_WITH_FACTS.has(name)) {
      metadata.add(name, attributes);
      if (name === 'img') pictures.add(attributes);
    }
    if (name === heading?.name) {
      if (heading.text.value !== '') headings.set(name, heading.text.value);
      heading = undefined;
    }
    script = undefined;
    separate(name);
  };

  const separate = (name: string) => {
    if (INLINE.has(name)) return;
    paragraphs.addSpace();
    text.addSpace();
    heading?.text.addSpace();
  };

  const handler = {
    onopentagname: startElement,
    onattribute(name: string, value: string) {
      if (VOID_WITH_FACTS.has(element) && ATTRIBUTES.has(name) && !attributes.has(name)) {
        attributes.set(name, value.slice(0, MAX_ATTRIBUTE_LENGTH));
      }
      if (element === 'script' && name === 'type' && isJsonLd(value) && scripts.length < MAX_SCRIPTS) {
        script = new CollectedText(MAX_JSON_LENGTH);
        scripts.push(script);
      }
    },
    ontext(piece: string) {
      script?.add(piece);
      heading?.text.add(piece);
      if (open.around > 0) return;
      text.add(piece);
      if (open.p > 0) paragraphs.add(piece);
    },
    onclosetag: endElement,
  };
  const parser = new Parser(handler, OPTIONS[syntax]);

  return {
    write(piece) {
      length += piece.length;
      if (depth < MAX_DEPTH) parser.write(piece);
    },
    get isDone() {
      if (depth >= MAX_DEPTH || length >= LONGEST_LENGTH) return true;
      const isLong = length >= LONG_LENGTH && metadata.hasTitle(headings) && (metadata.hasDescription || text.isFull);
      return isPastHead && (metadata.isComplete || isLong);
    },
    end() {
      if (depth < MAX_DEPTH) parser.end();
      return {
        ...metadata.facts,
        structured: readJsonLd(scripts.map(({ value }) => value)),
        headings,
        paragraphs: paragraphs.value,
        text: text.value,
        picture: pictures.largest,
      };
    },
  };
}

function isJsonLd(type: string): boolean {
  return type.trim().toLowerCase() === 'application/ld+json';
}

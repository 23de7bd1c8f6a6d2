import { Parser } from 'htmlparser2';

const HIDDEN: ReadonlySet<string> = new Set(['head', 'script', 'style', 'a']);
const LINES: ReadonlySet<string> = new Set(['br', 'li', 'div', 'blockquote', 'tr', 'ul', 'ol']);
/** More of it than any preview has. */
const MAX_LENGTH = 20_000;

/** What a piece of HTML says, in plain text: in place of a link there is where it leads. */
export function htmlToText(html: string): string {
  let text = '';
  let hidden = 0;
  let element = '';
  const parser = new Parser({
    onopentagname(name) {
      element = name;
      if (HIDDEN.has(name)) hidden += 1;
      if (name === 'p') text += '\n\n';
      if (LINES.has(name)) text += '\n';
    },
    onattribute(name, value) {
      const isLink = element === 'a' && name === 'href' && !/^\s*javascript:/i.test(value);
      if (isLink) text += value;
    },
    ontext(piece) {
      if (hidden === 0) text += piece.replace(/\s+/g, ' ');
    },
    onclosetag(name) {
      if (HIDDEN.has(name)) hidden -= 1;
      if (name === 'p') text += '\n\n';
    },
  });
  parser.end(html.slice(0, MAX_LENGTH));
  return text
    .replace(/ *\n */g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** A block of code in a page. */
export interface Fence {
  /** As after the backticks: `yaml`, `sh`, `nginx`; empty for none. */
  readonly language: string;
  /** Of `title="…"`; empty for none. */
  readonly title: string;
  /** Where its first line of code stands, from 1. */
  readonly line: number;
  readonly body: string;
}

export function readFences(text: string): Fence[] {
  return [...text.matchAll(/^```(\w*)[ \t]*([^\n]*)\n(.*?)^```$/gms)].map((match) => {
    const [, language = '', rest = '', body = ''] = match;
    const title = /title="([^"]*)"/.exec(rest)?.[1] ?? '';
    return { language, title, line: text.slice(0, match.index).split('\n').length + 1, body };
  });
}

/** The names under which a page's titles can be linked to. */
export function readTitles(text: string): Set<string> {
  const prose = text.replace(/^```.*?^```$/gms, '');
  return new Set(
    [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

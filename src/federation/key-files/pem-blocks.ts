import { KeyFileProblem } from './key-file-problem.ts';

/** What stands between `-----BEGIN type-----` and `-----END type-----`. */
export interface PemBlock {
  readonly type: string;
  /** Of the BEGIN, counted from 1. */
  readonly line: number;
  readonly headers: ReadonlyMap<string, { readonly value: string; readonly line: number }>;
  /** Base64, its lines joined. */
  readonly body: string;
  readonly bodyLine: number;
}

const BEGIN = /^-----BEGIN ([^-]+)-----$/;

/**
 * Reads PEM with headers, as RFC 1421 has them and later ones do not; Node's own reader knows those only. Text before
 * a block is skipped, after the last one only empty lines are allowed: anything else is a block that was damaged.
 * @throws {KeyFileProblem}
 */
export function parsePemBlocks(text: string): PemBlock[] {
  const lines = text.split('\n').map((line) => line.trim());
  const blocks: PemBlock[] = [];
  let next = 0;
  for (;;) {
    const begin = lines.findIndex((line, index) => index >= next && BEGIN.test(line));
    if (begin === -1) break;
    const type = BEGIN.exec(lines[begin] ?? '')?.[1] ?? '';
    const end = lines.findIndex((line, index) => index > begin && line.startsWith('-----'));
    if (lines[end] !== `-----END ${type}-----`) {
      throw new KeyFileProblem(`the block "${type}" that begins here has no end`, { line: begin + 1 });
    }
    blocks.push(readBlock(type, lines, begin, end));
    next = end + 1;
  }
  const rest = lines.findIndex((line, index) => index >= next && line !== '');
  if (blocks.length > 0 && rest !== -1)
    throw new KeyFileProblem('nothing may follow the last block', { line: rest + 1 });
  return blocks;
}

/** @param begin @param end indexes of the block's first and last line */
function readBlock(type: string, lines: readonly string[], begin: number, end: number): PemBlock {
  const headers = new Map<string, { value: string; line: number }>();
  let index = begin + 1;
  for (; index < end && lines[index]?.includes(':'); index += 1) {
    const [name = '', ...value] = (lines[index] ?? '').split(':');
    headers.set(name.trim(), { value: value.join(':').trim(), line: index + 1 });
  }
  const bodyLine = lines.findIndex((line, at) => at >= index && at < end && line !== '') + 1;
  return {
    type,
    line: begin + 1,
    headers,
    body: lines.slice(index, end).join(''),
    bodyLine: bodyLine === 0 ? begin + 1 : bodyLine,
  };
}

/** A block with its headers in this order, and a line end after it. */
export function formatPemBlock(type: string, headers: Readonly<Record<string, string>>, bytes: Uint8Array): string {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`);
  return `-----BEGIN ${type}-----\n${head.join('')}\n${Buffer.from(bytes).toString('base64')}\n-----END ${type}-----\n`;
}

import { isJsonObject } from './sign-json.ts';

/** What came is not what the specification asks another server to send. */
export class MultipartProblem extends Error {}

/** The part with the media. */
export interface MediaPart {
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The bytes; to be read to the end, since only the last delimiter tells that nothing is missing. Fails with {@link MultipartProblem}. */
  readonly body: AsyncIterable<Buffer>;
}

const MAX_PREAMBLE_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_METADATA_BYTES = 64 * 1024;
/** White space behind a delimiter. */
const MAX_PADDING_BYTES = 128;
const LF = 10;

/** The boundary of a `multipart/mixed`. RFC 2046, section 5.1.1. @throws {MultipartProblem} */
export function boundaryOf(contentType: string): string {
  if (!/^multipart\/mixed\s*(;|$)/i.test(contentType)) throw new MultipartProblem('The answer is no multipart/mixed');
  const found = /;\s*boundary=(?:"([^"]*)"|([^\s;"]+))\s*(?=;|$)/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2] ?? '';
  if (/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) return boundary;
  throw new MultipartProblem('The answer names no usable boundary');
}

/**
 * Reads up to the media in an answer of exactly two parts, the first of which is JSON. What stands before and behind
 * them counts for nothing; lines may end in LF alone, when all do. Specification: FED-5, FED-16, FED-17.
 * @throws {MultipartProblem}
 */
export async function readMediaPart(source: AsyncIterable<Buffer>, boundary: string): Promise<MediaPart> {
  const input = new Input(source[Symbol.asyncIterator]());
  await skipPreamble(input, `--${boundary}`);
  const opening = await input.takeLine(MAX_PADDING_BYTES);
  if (!/^[ \t]*\r?$/.test(opening)) throw new MultipartProblem('The answer has no parts');
  const delimiter = Buffer.from(`${opening.endsWith('\r') ? '\r\n' : '\n'}--${boundary}`, 'latin1');
  await readMetadata(input, delimiter);
  const headers = await readHeaders(input);
  if (/^multipart\//i.test(headers.get('content-type') ?? '')) throw new MultipartProblem('The media has parts itself');
  if (!/^(|binary|8bit|7bit)$/i.test(headers.get('content-transfer-encoding') ?? '')) {
    throw new MultipartProblem('The media is encoded');
  }
  return { headers, body: readMedia(input, delimiter) };
}

/** The bytes that have come and have not been understood yet. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>;
  bytes: Buffer = Buffer.alloc(0);
  constructor(chunks: AsyncIterator<Buffer>) {
    this.#chunks = chunks;
  }

  /** @throws {MultipartProblem} when nothing more comes */
  async more(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done) throw new MultipartProblem('The answer ends before its last delimiter');
    this.bytes = this.bytes.length === 0 ? next.value : Buffer.concat([this.bytes, next.value]);
  }

  take(count: number): Buffer {
    const taken = this.bytes.subarray(0, count);
    this.bytes = this.bytes.subarray(count);
    return taken;
  }

  /** Without its LF. */
  async takeLine(maxBytes: number): Promise<string> {
    for (;;) {
      const end = this.bytes.indexOf(LF);
      if ((end < 0 ? this.bytes.length : end) > maxBytes) throw new MultipartProblem('A line is too long');
      if (end >= 0) return this.take(end + 1).toString('latin1', 0, end);
      await this.more();
    }
  }

  /** Gives the connection back: what stands behind the last delimiter is nobody's business. */
  async leave(): Promise<void> {
    await this.#chunks.return?.();
  }
}

async function skipPreamble(input: Input, dashBoundary: string): Promise<void> {
  for (let skipped = 0, isLineStart = true; ; ) {
    if (input.bytes.length < dashBoundary.length) {
      await input.more();
      continue;
    }
    if (isLineStart && input.bytes.indexOf(dashBoundary, 0, 'latin1') === 0) {
      input.take(dashBoundary.length);
      return;
    }
    const end = input.bytes.indexOf(LF);
    isLineStart = end >= 0;
    skipped += input.take(isLineStart ? end + 1 : input.bytes.length).length;
    if (skipped > MAX_PREAMBLE_BYTES) throw new MultipartProblem('The first part does not come');
  }
}

async function readHeaders(input: Input): Promise<ReadonlyMap<string, string>> {
  const headers = new Map<string, string>();
  for (let left = MAX_HEADER_BYTES, last = ''; ; ) {
    const raw = await input.takeLine(left);
    left -= raw.length + 1;
    if (left < 0) throw new MultipartProblem('The headers of a part are too long');
    const line = raw.replace(/\r$/, '');
    if (line === '') return headers;
    const [, name, value = ''] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([^\r\0]*)$/.exec(line) ?? [];
    if (name !== undefined) {
      last = name.toLowerCase();
      if (headers.has(last)) throw new MultipartProblem('A header of a part comes twice');
      headers.set(last, value.trimEnd());
    } else if (last !== '' && /^[ \t][^\r\0]*$/.test(line)) {
      headers.set(last, `${headers.get(last)} ${line.trim()}`);
    } else {
      throw new MultipartProblem('A header of a part makes no sense');
    }
  }
}

/** Nothing in it means anything yet. */
async function readMetadata(input: Input, delimiter: Buffer): Promise<void> {
  const type = (await readHeaders(input)).get('content-type') ?? '';
  if (!/^(application\/json\s*(;.*)?)?$/i.test(type)) throw new MultipartProblem('The first part is no JSON');
  const chunks: Buffer[] = [];
  let bytes = 0;
  const part = readPart(input, delimiter);
  let next = await part.next();
  for (; !next.done; next = await part.next()) {
    bytes += next.value.length;
    if (bytes > MAX_METADATA_BYTES) throw new MultipartProblem('The first part is too long');
    chunks.push(next.value);
  }
  if (next.value) throw new MultipartProblem('There is only one part');
  if (!isJsonObject(parse(Buffer.concat(chunks).toString()))) throw new MultipartProblem('The first part is no JSON');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MultipartProblem('The first part is no JSON', { cause: error });
  }
}

async function* readMedia(input: Input, delimiter: Buffer): AsyncGenerator<Buffer> {
  try {
    if (!(yield* readPart(input, delimiter))) throw new MultipartProblem('There are more than two parts');
  } finally {
    await input.leave();
  }
}

/** The bytes up to the delimiter, which is passed over. @returns whether it was the last one */
async function* readPart(input: Input, delimiter: Buffer): AsyncGenerator<Buffer, boolean> {
  // The line end of the headers is that of the delimiter, too, when the part is empty.
  let lineEnd = delimiter.subarray(0, delimiter.indexOf('-'));
  input.bytes = Buffer.concat([lineEnd, input.bytes]);
  const take = (count: number) => {
    const dropped = input.take(Math.min(count, lineEnd.length)).length;
    lineEnd = lineEnd.subarray(dropped);
    return input.take(count - dropped);
  };
  for (;;) {
    const at = input.bytes.indexOf(delimiter);
    const content = take(at >= 0 ? at : input.bytes.length - countBegun(input.bytes, delimiter));
    if (content.length > 0) yield content;
    const end = at < 0 ? undefined : endOf(input.bytes, delimiter.length);
    if (end === undefined) await input.more();
    else if (end === 'none') {
      const lookalike = take(delimiter.length);
      if (lookalike.length > 0) yield lookalike;
    } else {
      input.take(end.bytes);
      return end.isLast;
    }
  }
}

/**
 * How many bytes at the end may be the beginning of the delimiter, which has its first byte nowhere else. All others are passed
 * on as they came: to keep more of each chunk back would be to copy each chunk.
 */
function countBegun(bytes: Buffer, delimiter: Buffer): number {
  const at = bytes.lastIndexOf(delimiter.subarray(0, 1));
  const begun = at < 0 ? 0 : bytes.length - at;
  const isBeginning =
    begun < delimiter.length && delimiter.subarray(0, begun).equals(bytes.subarray(bytes.length - begun));
  return isBeginning ? begun : 0;
}

/** What stands behind a delimiter's text: `none` when it is content that only looks like one; `undefined`: more is needed. */
function endOf(bytes: Buffer, from: number): { readonly bytes: number; readonly isLast: boolean } | 'none' | undefined {
  const after = bytes.toString('latin1', from, from + MAX_PADDING_BYTES);
  if (after.startsWith('--')) return { bytes: from + 2, isLast: true };
  const line = /^[ \t]*\r?\n/.exec(after);
  if (line !== null) return { bytes: from + line[0].length, isLast: false };
  return after.length < MAX_PADDING_BYTES && /^(-|[ \t]*\r?)$/.test(after) ? undefined : 'none';
}

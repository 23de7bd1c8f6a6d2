const CODESTREAM_SIGNATURE = Buffer.from([0xff, 0x0a]);
/** So much of a codestream that is cut into parts is put together: its header is shorter. */
const MAX_HEAD_BYTES = 65_536;

/** The start of the codestream of a JPEG XL file, with or without a container. ISO/IEC 18181-2, section 9. */
export function findCodestream(source: Buffer): Buffer | undefined {
  const codestream = isCodestream(source) ? source : readContainer(source);
  return isCodestream(codestream) ? codestream : undefined;
}

function isCodestream(bytes: Buffer): boolean {
  return bytes.subarray(0, 2).equals(CODESTREAM_SIGNATURE);
}

function readContainer(source: Buffer): Buffer {
  const parts: Buffer[] = [];
  let partBytes = 0;
  for (const { type, content } of readBoxes(source)) {
    if (type === 'jxlc') return content;
    if (type !== 'jxlp' || content.length <= 4) continue;
    const part = content.subarray(4, 4 + MAX_HEAD_BYTES); // behind its number
    parts.push(part);
    partBytes += part.length;
    if (partBytes >= MAX_HEAD_BYTES) break;
  }
  return Buffer.concat(parts);
}

/** The boxes of ISO/IEC 14496-12; the last one may lack its end. */
function* readBoxes(source: Buffer): Generator<{ readonly type: string; readonly content: Buffer }> {
  let position = 0;
  while (position + 8 <= source.length) {
    const type = source.toString('latin1', position + 4, position + 8);
    const short = source.readUInt32BE(position);
    const hasLongSize = short === 1 && position + 16 <= source.length;
    const headBytes = hasLongSize ? 16 : 8;
    const size = hasLongSize ? Number(source.readBigUInt64BE(position + 8)) : short === 0 ? source.length : short;
    if (size < headBytes) return;
    yield { type, content: source.subarray(position + headBytes, position + size) };
    position += size;
  }
}

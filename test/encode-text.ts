/** Text as pages had it before UTF-8. Only what the encoding has in one or two bytes. */
export function encodeText(label: string, text: string): Buffer {
  if (label === 'utf-16le') return Buffer.from(text, 'utf16le');
  if (label === 'iso-2022-jp') return encodeIso2022Jp(text);
  const bytesOf = tableOf(label);
  return Buffer.concat(
    [...text].map((character) => {
      const bytes = bytesOf.get(character);
      if (bytes === undefined) throw new Error(`${label} has no ${character}`);
      return bytes;
    }),
  );
}

/** Of all one or two bytes that stand for one character. */
function tableOf(label: string): ReadonlyMap<string, Buffer> {
  const decoder = new TextDecoder(label, { fatal: true });
  const table = new Map<string, Buffer>();
  const add = (bytes: Buffer) => {
    try {
      const character = decoder.decode(bytes);
      if ([...character].length === 1 && !table.has(character)) table.set(character, bytes);
    } catch {
      // no character of this encoding
    }
  };
  for (let byte = 0; byte < 0x100; byte += 1) add(Buffer.from([byte]));
  for (let lead = 0x81; lead < 0xff; lead += 1) {
    for (let trail = 0x40; trail < 0xff; trail += 1) add(Buffer.from([lead, trail]));
  }
  return table;
}

/** Text of ASCII and JIS X 0208, which EUC-JP has with the highest bits set. */
function encodeIso2022Jp(text: string): Buffer {
  const runs = text.match(/[\x00-\x7f]+|[^\x00-\x7f]+/g) ?? [];
  const encodeRun = (run: string) => {
    if (run.charCodeAt(0) < 0x80) return Buffer.from(run);
    const bytes = encodeText('euc-jp', run).map((byte) => byte & 0x7f);
    return Buffer.concat([Buffer.from('\x1b$B'), bytes, Buffer.from('\x1b(B')]);
  };
  return Buffer.concat(runs.map(encodeRun));
}

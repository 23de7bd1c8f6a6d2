/** `2024-05-01 10:20:30.123 Z`, as matrix-media-repo writes times. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')} Z`;
}

type Fields = Readonly<Record<string, unknown>>;

/** One JSON object a line with sorted keys; characters that mean something to HTML are escaped, as Go does. */
export function formatJsonLine(line: string): string {
  const fields = JSON.parse(line) as Fields; // pino's own line
  const sorted = Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${escapeLikeGo(JSON.stringify(sorted))}\n`;
}

function escapeLikeGo(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, toEscape);
}

function toEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** `time="…" level=info msg="…" field=value`, fields by name; or logrus' coloured form. */
export function formatTextLine(line: string, colors: boolean): string {
  const { time, level, msg = '', ...fields } = JSON.parse(line) as Fields; // pino's own line
  const rest = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!colors) {
    const all = [['time', time], ['level', level], ['msg', msg], ...rest];
    return `${all.map(([key, value]) => `${String(key)}=${quote(value)}`).join(' ')}\n`;
  }
  const word = String(level).slice(0, 4).toUpperCase();
  const paint = (text: string) => `\u001b[${COLORS[word] ?? 36}m${text}\u001b[0m`;
  const shown = rest.map(([key, value]) => ` ${paint(key)}=${quote(value)}`).join('');
  return `${paint(word)}[${String(time)}] ${escapeControls(String(msg)).padEnd(44)} ${shown}\n`;
}

const COLORS: Readonly<Record<string, number>> = { TRAC: 37, DEBU: 37, WARN: 33, ERRO: 31, FATA: 31 };

/** Bare when it cannot be misread. */
function quote(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /^[\w./@^+-]+$/.test(text) ? text : escapeControls(JSON.stringify(text));
}

/** What a terminal might obey or a reader not see. */
function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (chars) =>
    Array.from({ length: chars.length }, (_, at) => toEscape(chars.charAt(at))).join(''),
  );
}

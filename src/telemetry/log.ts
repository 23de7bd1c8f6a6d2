import { type DestinationStream, type Logger, pino } from 'pino';
import { describeError } from './describe-error.ts';
import { openLineWriter } from './line-writer.ts';
import { openLogFiles } from './log-files.ts';
import { formatJsonLine, formatTextLine, formatTime } from './log-format.ts';

/** What every part logs with: `log.info({ field }, 'What happened')`. */
export type Log = Logger;

export interface LogOptions {
  /** MMR's word for it, in any case; empty for `info`. */
  readonly level: string;
  readonly colors: boolean;
  readonly json: boolean;
  /** Empty or `-`: no files. */
  readonly directory: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** In place of the standard output. */
  readonly output?: (line: string) => void;
}

export interface OpenLog extends AsyncDisposable {
  readonly log: Log;
}

/** Writes to the standard output, and to daily files where a folder is named. Dispose it last: that flushes. */
export function openLog(options: LogOptions): OpenLog {
  const terminal = options.output === undefined ? openLineWriter(1, () => {}) : undefined; // whom to tell?
  const write = options.output ?? ((line: string) => terminal?.write(line));
  const hasFiles = options.directory !== '' && options.directory !== '-';
  const files = hasFiles ? openLogFiles(options.directory, options.now) : undefined;
  const format = options.json ? formatJsonLine : (line: string) => formatTextLine(line, options.colors);
  const destination: DestinationStream = {
    write(line) {
      const text = format(line);
      write(text);
      files?.write(text);
    },
  };
  const log = pino(
    {
      level: pinoLevel(options.level),
      base: undefined,
      timestamp: () => `,"time":"${formatTime(options.now())}"`,
      formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }), log: renameClashes },
      serializers: { err: describeError },
    },
    destination,
  );
  return {
    log,
    async [Symbol.asyncDispose]() {
      await Promise.all([terminal?.flush(), files?.close()]);
    },
  };
}

function pinoLevel(level: string): string {
  const word = level.toLowerCase();
  if (word === '') return 'info';
  if (word === 'warning') return 'warn';
  return word === 'panic' ? 'fatal' : word;
}

/** As logrus does with fields that have the name of something that every line has. */
function renameClashes(fields: Record<string, unknown>): Record<string, unknown> {
  if (!('time' in fields || 'level' in fields || 'msg' in fields)) return fields;
  const clashes = new Set(['time', 'level', 'msg']);
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [clashes.has(name) ? `fields.${name}` : name, value]),
  );
}

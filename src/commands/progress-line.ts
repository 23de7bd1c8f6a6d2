import type { CommandIo } from './command.ts';

/** A line at the bottom of a terminal that tells how far the work is. Where nobody watches, nothing is written. */
export interface ProgressLine {
  show(text: string): void;
  /** Before something else is written, and at the end. */
  clear(): void;
}

const CLEAR = '\r\u001b[K';

export function createProgressLine({ stderr, isTerminal }: CommandIo): ProgressLine {
  let isShown = false;
  return {
    show(text) {
      if (isTerminal) stderr(CLEAR + text);
      isShown = isTerminal;
    },
    clear() {
      if (isShown) stderr(CLEAR);
      isShown = false;
    },
  };
}

const BAR_WIDTH = 24;

/** `[######------] 50 %`; the text alone where the whole is not known. */
export function drawBar(done: number, total: number, text: string): string {
  if (total <= 0) return text;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${Math.floor(share * 100)} %  ${text}`;
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function formatBytes(bytes: number): string {
  const step = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 ? value : value.toFixed(1)} ${UNITS[step]}`;
}

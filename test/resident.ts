import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';

/** The most memory that the process has had resident since {@link resetPeak}, or ever; Linux only. */
export async function peakResidentMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** proc(5), `clear_refs`. */
export async function resetPeak({ pid }: ChildProcess): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

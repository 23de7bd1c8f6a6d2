import { constants, getPriority, setPriority } from 'node:os';

/**
 * Gives a child process less priority than this one has: requests that are answered from memory must not wait for pictures.
 * Where the system does not allow it, they do.
 */
export function giveWay(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
    setPriority(pid, Math.min(PRIORITY_LOW, getPriority() + PRIORITY_BELOW_NORMAL));
  } catch {
    // A process that has ended by now tells so elsewhere.
  }
}

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, so that others of the same machine can find out whether it still runs. */
export interface ThisProcess {
  /** The name of the machine, and what tells apart containers and starts of it: where `pid` means one process. */
  readonly host: string;
  readonly pid: number;
  /** Tells processes apart that have had the same `pid`. */
  readonly started: string;
}

export function describeThisProcess(): ThisProcess {
  const marks = [
    hostname(),
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    attempt(() => readlinkSync('/proc/self/ns/pid')),
  ];
  const host = marks.filter((mark) => mark !== undefined).join(' ');
  return { host, pid: process.pid, started: startOf(process.pid) ?? String(Math.round(performance.timeOrigin)) };
}

/** `false` also where nobody can tell. */
export function hasProcessEnded({ host, pid, started }: ThisProcess): boolean {
  const self = describeThisProcess();
  if (host !== self.host) return false;
  if (pid === self.pid) return started !== self.started;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true; // else it is there, and somebody else's
  }
  const startedThere = startOf(pid);
  return startedThere === ENDED || (startedThere !== undefined && startedThere !== started);
}

const ENDED = 'ended';

/** In clock ticks since the machine was started; `undefined` where the system does not tell. */
function startOf(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name in parentheses may have anything in it. After it: the state, and 18 fields later the start.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? ENDED : fields?.[19];
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // another system than Linux, or one that hides it
  }
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../telemetry/index.ts';
import type { ThisProcess } from './this-process.ts';

/** Another process, as the common database knows it. */
export interface KnownProcess extends ThisProcess {
  readonly machine_id: number;
  readonly instance: string;
  readonly version: string;
  readonly beats: number;
  /** Since it last showed that it is alive, by one clock for all processes, in milliseconds. */
  readonly silentMs: number;
}

type OwnRow = Omit<KnownProcess, 'beats' | 'silentMs'>;

/** Where processes write down that they are alive: a table of the database. */
export interface ProcessBook {
  list(): Promise<readonly KnownProcess[]>;
  /** @returns whether nobody had the machine ID */
  add(process: OwnRow): Promise<boolean>;
  /** @returns whether the other one has shown no life since it was seen */
  replace(process: OwnRow, seen: KnownProcess): Promise<boolean>;
  /** @returns whether the machine ID is still this process's */
  beat(process: OwnRow): Promise<boolean>;
  remove(process: OwnRow): Promise<void>;
}

/** The place of this process among those that share a database. Dispose it before the database. */
export interface Processes extends AsyncDisposable {
  /** Whether this is the one process that does what has to be done by one. Two may think so for a few seconds. */
  isInCharge(): boolean;
  /** How many were alive when this one last looked, itself included. */
  countAlive(): number;
}

export interface ProcessesParts {
  readonly book: ProcessBook;
  readonly machineId: number;
  readonly version: string;
  readonly self: ThisProcess;
  /** Whether a process of this machine has certainly ended. */
  readonly hasEnded: (process: ThisProcess) => boolean;
  /** Whether there is something that the processes can hear each other through. */
  readonly isShared: boolean;
  /** Process 0 is in charge; after it has been silent for so long, the one with the lowest number. 0 or less: never. */
  readonly takeOverMs: () => number;
  readonly log: Log;
  /** Milliseconds that only move on. */
  readonly elapsedMs: () => number;
}

/** Another live process has the number of this one. The message is for the operator. */
export class MachineIdTaken extends Error {
  override readonly name = 'MachineIdTaken';
}

const BEAT_MS = 2_000;
/** Who has shown no life for so long is dead. */
const SILENT_MS = 10_000;
/** So long one looks before that counts: after the database was away, nobody has shown life for a while. */
const LOOK_MS = 1.5 * BEAT_MS;
const LOOK_EVERY_MS = 200;

/**
 * Takes the machine ID, if need be after having seen that its last holder is dead: at once when that can be known, else
 * within about {@link SILENT_MS}.
 * @throws {MachineIdTaken}
 */
export async function openProcesses(parts: ProcessesParts, signal: AbortSignal): Promise<Processes> {
  const { book, machineId: machine_id, version, self, takeOverMs, log, elapsedMs } = parts;
  const own: OwnRow = { machine_id, instance: randomUUID(), version, ...self };
  await takeMachineId(parts, own, signal);

  let isHeld = true;
  let wasInCharge = false;
  let isWarned = false;
  let lastBeatMs = elapsedMs();
  let leaderSeenMs = elapsedMs();
  let others: readonly KnownProcess[] = [];

  const isTakenOver = () => {
    const patienceMs = takeOverMs();
    if (patienceMs <= 0 || elapsedMs() - leaderSeenMs < Math.max(patienceMs, SILENT_MS)) return false;
    return others.every((other) => other.machine_id > machine_id);
  };
  const isInCharge = () => isHeld && elapsedMs() - lastBeatMs < SILENT_MS && (machine_id === 0 || isTakenOver());
  const look = async () => {
    const beganMs = elapsedMs();
    const wasHeld = isHeld;
    isHeld = (await book.beat(own)) || (await book.add(own));
    if (wasHeld && !isHeld) {
      log.error({ machineId: machine_id }, 'Another process has taken the MACHINE_ID of this one: give each its own');
    }
    lastBeatMs = beganMs;
    const all = await book.list();
    others = all.filter(({ instance, silentMs }) => instance !== own.instance && silentMs < SILENT_MS);
    if (others.some((other) => other.machine_id === 0)) leaderSeenMs = elapsedMs();
    if (others.length > 0 && !parts.isShared && !isWarned) {
      isWarned = true;
      const machineIds = others.map((other) => other.machine_id);
      log.warn({ machineIds }, 'Other processes use this database: they cannot hear each other without Redis');
    }
    if (isInCharge() !== wasInCharge) {
      wasInCharge = !wasInCharge;
      const does = wasInCharge ? 'takes over' : 'gives back';
      if (machine_id !== 0) log.warn({ machineId: machine_id }, `This process ${does} what process 0 has to do`);
    }
  };

  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    // One at a time: behind a database that hangs they would pile up, and a stop would wait for all of them.
    looking ??= look()
      // The database tells its own trouble; until it is back, this process is not in charge.
      .catch((error: unknown) => log.debug({ err: error }, 'No sign of life was given'))
      .finally(() => {
        looking = undefined;
      });
  }, BEAT_MS);
  timer.unref();
  return {
    isInCharge,
    countAlive: () => others.length + 1,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
      isHeld = false;
      await book.remove(own).catch((error: unknown) => log.debug({ err: error }, 'The MACHINE_ID was not given back'));
    },
  };
}

async function takeMachineId(parts: ProcessesParts, own: OwnRow, signal: AbortSignal): Promise<void> {
  const { book, hasEnded, log, elapsedMs } = parts;
  const sinceMs = elapsedMs();
  let first: KnownProcess | undefined;
  while (!(await book.add(own))) {
    const seen = (await book.list()).find(({ machine_id }) => machine_id === own.machine_id);
    if (seen !== undefined) {
      first ??= seen;
      if (seen.instance !== first.instance || seen.beats > first.beats) throw refusal(seen);
      const lookedMs = elapsedMs() - sinceMs;
      const isSilent = lookedMs >= SILENT_MS || (lookedMs >= LOOK_MS && seen.silentMs >= SILENT_MS);
      if ((isSilent || hasEnded(seen)) && (await book.replace(own, seen))) return;
      if (seen === first) {
        log.info({ machineId: own.machine_id }, 'Looking whether the last process with this MACHINE_ID is still alive');
      }
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function refusal({ machine_id, host, pid }: KnownProcess): MachineIdTaken {
  const [name] = host.split(' ');
  return new MachineIdTaken(
    `Another process is alive with MACHINE_ID ${machine_id} on this database: process ${pid} on ${name}. Give each process a ` +
      'MACHINE_ID of its own, from 0 to 1023, one of them 0',
  );
}

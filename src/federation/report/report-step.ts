import type { ConnectionEvent } from '../../outbound/index.ts';

/** One thing that was asked on the way to another server, what came, and what to do about it. */
export interface ReportStep {
  readonly step: 'delegation' | 'services' | 'places' | 'request' | 'version' | 'keys';
  /** A URL, a name of the DNS, or what was looked at. */
  readonly asked: string;
  /** `nothing`: there is none, which may be fine. */
  readonly outcome: 'found' | 'nothing' | 'failed';
  /** What came, a line each. */
  readonly found: readonly string[];
  /** Those that were opened for it; none where one was open already. */
  readonly connections: readonly ConnectionEvent[];
  /** For the operator of one of the two servers. */
  readonly advice?: string;
}

/** Takes the steps down as they are made. */
export interface Notebook {
  readonly steps: readonly ReportStep[];
  /** Belongs to the step that is noted next. */
  noteConnection(event: ConnectionEvent): void;
  note(step: Omit<ReportStep, 'connections'>): void;
}

export function createNotebook(): Notebook {
  const steps: ReportStep[] = [];
  const connections: ConnectionEvent[] = [];
  return {
    steps,
    noteConnection: (event) => void connections.push(event),
    note: (step) => void steps.push({ ...step, connections: connections.splice(0) }),
  };
}

import type { TestContext } from 'node:test';
import { createBus } from '../src/cluster/index.ts';
import { createFederation, type Federation, type FederationParts } from '../src/federation/index.ts';
import type { OutboundOptions } from '../src/outbound/index.ts';
import { openLog } from '../src/telemetry/index.ts';
import { type PlayedInternet, playInternet } from './played-internet.ts';

/** The real client of other servers, on a played internet, with time that the test lets pass. */
export interface PlayedFederation extends PlayedInternet {
  readonly federation: Federation;
  /** Every line that was logged, at all levels. */
  readonly logged: readonly Readonly<Record<string, unknown>>[];
  pass(ms: number): void;
}

export async function playFederation(
  t: TestContext,
  parts: Partial<FederationParts> = {},
  options: Partial<OutboundOptions> = {},
  dnsTimeoutMs?: number,
): Promise<PlayedFederation> {
  const internet = await playInternet(t, dnsTimeoutMs);
  const logged: Record<string, unknown>[] = [];
  const output = (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>);
  const opened = openLog({ level: 'trace', colors: false, json: true, directory: '', now: Date.now, output });
  let passedMs = 0;
  const federation = createFederation({
    outbound: internet.open(options),
    resolver: internet.resolver,
    bus: createBus(),
    log: opened.log,
    now: () => Date.now() + passedMs,
    steadyNow: parts.now ?? (() => Date.now() + passedMs),
    random: () => 0.5,
    backoffAt: () => 20,
    ...parts,
  });
  return {
    ...internet,
    federation,
    logged,
    pass: (ms) => {
      passedMs += ms;
    },
  };
}

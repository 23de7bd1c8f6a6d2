import {
  type Outbound,
  type OutboundAnswer,
  OutboundError,
  type Resolver,
  type ServiceRecord,
  type Target,
} from '../../outbound/index.ts';
import { ADVICE, ADVICE_ON } from './advice.ts';
import type { Notebook, ReportStep } from './report-step.ts';

/** The place as a URL, without a path. */
export function baseUrlOf({ protocol, host, port }: Target): string {
  return `${protocol}//${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Does what it always does, and takes it down. @param onPlace learns which place is asked */
export function watchOutbound(
  outbound: Outbound,
  notebook: Pick<Notebook, 'note'>,
  onPlace: (target: Target) => void,
): Outbound {
  const noting = async (
    { step, asked }: Pick<ReportStep, 'step' | 'asked'>,
    adviceOf: (error: OutboundError) => string,
    asking: Promise<OutboundAnswer>,
  ): Promise<OutboundAnswer> => {
    try {
      const answer = await asking;
      const { status, url } = answer;
      const found = [`status ${status}`, ...(url.href === asked ? [] : [`answered as ${url.href}`])];
      notebook.note({ step, asked, outcome: status === 200 ? 'found' : 'nothing', found });
      return answer;
    } catch (error) {
      if (error instanceof OutboundError) {
        const found = [`${error.trouble}: ${error.message}`];
        notebook.note({ step, asked, outcome: 'failed', found, advice: adviceOf(error) });
      }
      throw error;
    }
  };
  return {
    get: (url, call, signal) =>
      noting(
        { step: 'delegation', asked: url.href },
        ({ trouble }) => `${ADVICE_ON.delegation} Otherwise: ${ADVICE[trouble]}`,
        outbound.get(url, call, signal),
      ),
    request: (target, call, signal) => {
      onPlace(target);
      const asked = baseUrlOf(target) + call.path;
      return noting(
        { step: 'request', asked },
        ({ trouble }) => ADVICE[trouble],
        outbound.request(target, call, signal),
      );
    },
  };
}

/** The same for SRV records. */
export function watchResolver(resolver: Resolver, notebook: Pick<Notebook, 'note'>): Resolver {
  return {
    findAddresses: (hostname, signal) => resolver.findAddresses(hostname, signal),
    async findServices(name, signal) {
      const asked = `${name} SRV`;
      try {
        const records = await resolver.findServices(name, signal);
        const outcome = records.length > 0 ? 'found' : 'nothing';
        notebook.note({ step: 'services', asked, outcome, found: records.map(describeRecord) });
        return records;
      } catch (error) {
        if (error instanceof OutboundError) {
          const found = [`${error.trouble}: ${error.message}`];
          notebook.note({ step: 'services', asked, outcome: 'failed', found, advice: ADVICE_ON.services });
        }
        throw error;
      }
    },
  };
}

function describeRecord({ target, port, priority, weight }: ServiceRecord): string {
  return `${target || '.'} port ${port}, priority ${priority}, weight ${weight}`;
}

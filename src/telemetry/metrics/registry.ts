import { Counter, collectDefaultMetrics, Gauge, type LabelValues, Registry } from 'prom-client';
import { DistributionMetric, type Distributions } from './distribution-metric.ts';
import { METRICS, type MetricDescription } from './metric-list.ts';

/** The library's own ten would wake an idle process a hundred times a second. */
const EVENT_LOOP_LOOK_MS = 50;

type MetricName = keyof typeof METRICS;
type LabelsOf<Name extends MetricName> = (typeof METRICS)[Name]['labels'][number];
type Values<Label extends string> = Iterable<readonly [labels: LabelValues<Label>, value: number]>;

/** The metrics of one process. Most are read when somebody asks for them, so that counting costs next to nothing. */
export interface MetricsRegistry {
  /** One that is counted here, for what does not happen often. */
  counter<Name extends MetricName>(name: Name): Counter<LabelsOf<Name>>;
  readCounter<Name extends MetricName>(name: Name, read: () => Values<LabelsOf<Name>>): void;
  readGauge<Name extends MetricName>(name: Name, read: () => Values<LabelsOf<Name>>): void;
  readHistogram<Name extends MetricName>(name: Name, read: () => Distributions<LabelsOf<Name>>): void;
  /** In the text format of Prometheus. */
  write(): Promise<string>;
  readonly contentType: string;
}

/** With what every process of Node has: `process_*` and `nodejs_*`. */
export function createRegistry(): MetricsRegistry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_LOOK_MS });
  const describe = <Name extends MetricName>(name: Name) => {
    const { help, labels }: MetricDescription = METRICS[name];
    return { name, help, labelNames: labels as readonly LabelsOf<Name>[], registers: [registry] };
  };
  return {
    counter: (name) => new Counter(describe(name)),
    readCounter<Name extends MetricName>(name: Name, read: () => Values<LabelsOf<Name>>) {
      const collect = () => {
        counter.reset();
        for (const [labels, value] of read()) counter.inc(labels, value);
      };
      const counter: Counter<LabelsOf<Name>> = new Counter({ ...describe(name), collect });
    },
    readGauge<Name extends MetricName>(name: Name, read: () => Values<LabelsOf<Name>>) {
      const collect = () => {
        for (const [labels, value] of read()) gauge.set(labels, value);
      };
      const gauge: Gauge<LabelsOf<Name>> = new Gauge({ ...describe(name), collect });
    },
    readHistogram: (name, read) => void new DistributionMetric(describe(name), read),
    write: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

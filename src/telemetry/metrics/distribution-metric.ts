import { Histogram, type HistogramConfiguration, type LabelValues } from 'prom-client';
import type { Distribution } from './distribution.ts';

/** A {@link Distribution} for each combination of labels. */
export type Distributions<Label extends string> = Iterable<readonly [labels: LabelValues<Label>, Distribution]>;

/** A histogram that reads its values when somebody asks for them. The library's own costs two microseconds for each value. */
export class DistributionMetric<Label extends string> extends Histogram<Label> {
  readonly #description: { readonly name: string; readonly help: string };
  readonly #read: () => Distributions<Label>;

  constructor(configuration: HistogramConfiguration<Label>, read: () => Distributions<Label>) {
    super(configuration);
    this.#description = configuration;
    this.#read = read;
  }

  /** The registry takes what it writes from here; the library's types do not tell of it. */
  async getForPromString() {
    const { name, help } = this.#description;
    const values = [...this.#read()].flatMap(([labels, distribution]) => {
      const buckets = [...distribution.cumulated(), ['+Inf', distribution.count] as const];
      return [
        ...buckets.map(([le, value]) => ({ metricName: `${name}_bucket`, labels: { le, ...labels }, value })),
        { metricName: `${name}_sum`, labels, value: distribution.sum },
        { metricName: `${name}_count`, labels, value: distribution.count },
      ];
    });
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}

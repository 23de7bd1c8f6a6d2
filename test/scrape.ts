import assert from 'node:assert/strict';

/** What Prometheus reads: one value for each name and its labels. */
export interface Scrape {
  readonly text: string;
  /** By name. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
  /** Of the one series that has these labels, whatever others it has; 0 when there is none. */
  value(name: string, labels?: Labels): number;
  /** Of all series that have these labels. */
  sum(name: string, labels?: Labels): number;
}

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

type Labels = Readonly<Record<string, string>>;

const SAMPLE = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/i;
const LABEL = /([a-z_]\w*)="((?:[^"\\]|\\.)*)"/gi;

/** @param url of the metrics */
export async function scrape(url: string): Promise<Scrape> {
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  return readScrape(await answer.text());
}

export function readScrape(text: string): Scrape {
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, described, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (described !== undefined && type !== undefined) types.set(described, type);
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', labels = '', value] = SAMPLE.exec(line) ?? assert.fail(`This is no sample: ${line}`);
    const named = [...labels.matchAll(LABEL)].map(([, label = '', of = '']): [string, string] => [label, of]);
    samples.push({ name, labels: Object.fromEntries(named), value: Number(value) });
  }
  const find = (name: string, asked: Labels) =>
    samples.filter((sample) => {
      return sample.name === name && Object.entries(asked).every(([label, value]) => sample.labels[label] === value);
    });
  return {
    text,
    types,
    samples,
    value(name, labels = {}) {
      const found = find(name, labels);
      assert.ok(found.length < 2, `${name} has several such series`);
      return found[0]?.value ?? 0;
    },
    sum: (name, labels = {}) => find(name, labels).reduce((sum, { value }) => sum + value, 0),
  };
}

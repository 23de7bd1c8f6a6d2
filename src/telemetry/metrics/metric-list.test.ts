import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { METRICS } from './metric-list.ts';

const page = await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');

test('docs/metrics.md has every metric with its type and labels, and no other', () => {
  const told = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) ?\| \S/gm)].map(([, name, type, labels = '']) => {
    return [name, type, labels.replaceAll('`', '')];
  });
  const ours = Object.entries(METRICS).map(([name, { type, labels }]) => [name, type, labels.join(', ')]);
  assert.deepEqual(told.sort(), ours.sort());
});

test('the alerts of docs/metrics.md name metrics and labels that exist', () => {
  const alerts = /^```yaml title="vitrine-alerts\.yml"\n(.*?)^```/ms.exec(page)?.[1] ?? '';
  const names = [...alerts.matchAll(/\b(?:media|vitrine)_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''));
  assert.ok(names.length > 5);
  for (const name of names) assert.ok(name in METRICS, name);
  const labels = new Set<string>(['instance', 'le', 'job', ...Object.values(METRICS).flatMap(({ labels }) => labels)]);
  const used = [
    ...[...alerts.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
    ...[...alerts.matchAll(/[{,](\w+)=/g)].map(([, label = '']) => label),
  ];
  for (const label of used) assert.ok(labels.has(label), label);
});

/** One measured figure against its budget. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: { readonly atLeast: number } | { readonly atMost: number };
}

/** Prints a line for each: what was measured, what is wanted, and whether it is met. */
export function report(figure: Figure): void {
  const { name, value, unit, target } = figure;
  const [wanted, isMet] =
    'atLeast' in target
      ? [`≥ ${target.atLeast}`, value >= target.atLeast]
      : [`≤ ${target.atMost}`, value <= target.atMost];
  const shown = value >= 100 ? value.toFixed(0) : value.toFixed(2);
  process.stdout.write(
    `${name.padEnd(58)} ${`${shown} ${unit}`.padStart(12)}   ${wanted.padEnd(8)} ${isMet ? 'pass' : 'SHORT'}\n`,
  );
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** @param percent from 0 up to, and not including, 100 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length * percent) / 100)] ?? Number.NaN;
}

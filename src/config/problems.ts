/** Where in the operator's files something stands. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ConfigProblem {
  readonly place: Place | undefined;
  /** Such as `uploads.maxBytes` or `datastores[0].id`; empty for the file itself. */
  readonly key: string;
  /** What is wrong, and what is allowed. */
  readonly text: string;
}

/** Something that does not keep Vitrine from starting. */
export type ConfigWarning = ConfigProblem;

export function formatProblem({ place, key, text }: ConfigProblem): string {
  const where = place === undefined ? '' : `${place.file}:${place.line}:${place.column}: `;
  return `${where}${key === '' ? '' : `${key}: `}${text}`;
}

/** A configuration that cannot be used; the message lists every problem, a line each. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(
      [`The configuration has ${count}:`, ...problems.map((problem) => `  ${formatProblem(problem)}`)].join('\n'),
      options,
    );
    this.problems = problems;
  }
}

/** Collects, so that all is told at once. */
export class Findings {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigWarning[] = [];

  refuse(place: Place | undefined, key: string, text: string): void {
    this.problems.push({ place, key, text });
  }

  warn(place: Place | undefined, key: string, text: string): void {
    this.warnings.push({ place, key, text });
  }

  /** @throws {ConfigError} when there is a problem */
  throwIfAny(): void {
    if (this.problems.length > 0) throw new ConfigError(this.problems);
  }
}

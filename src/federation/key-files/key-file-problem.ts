/** Where in a key file something is wrong. */
export interface KeyFilePlace {
  readonly path?: string;
  /** Counts from 1; without it the whole file is meant. */
  readonly line?: number;
}

/** A key file that cannot be used. Its message never shows what stands in the file: that may be the secret. */
export class KeyFileProblem extends Error {
  readonly problem: string;
  readonly place: KeyFilePlace;

  constructor(problem: string, place: KeyFilePlace = {}, options?: ErrorOptions) {
    const { path, line } = place;
    const where = [path ?? [], line === undefined ? [] : path === undefined ? `line ${line}` : String(line)].flat();
    super([...(where.length === 0 ? [] : [where.join(':')]), problem].join(': '), options);
    this.problem = problem;
    this.place = place;
  }
}

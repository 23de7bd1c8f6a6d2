import { ConfigError } from '../config/index.ts';
import { DatabaseRefused } from '../database/index.ts';
import { MatrixError } from '../matrix/index.ts';
import { StorageProblem } from './open-storage.ts';

/** For the operator; `undefined`: a mistake of ours, whose whole story is worth more than a line. */
export function explainError(error: unknown): string | undefined {
  const isExpected =
    error instanceof ConfigError ||
    error instanceof DatabaseRefused ||
    error instanceof StorageProblem ||
    error instanceof MatrixError;
  if (!isExpected) return undefined;
  const { cause } = error;
  return cause instanceof Error && error instanceof MatrixError ? `${error.message} (${cause.message})` : error.message;
}

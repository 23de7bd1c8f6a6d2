import { parseArgs } from 'node:util';

/** A command line that cannot be understood; the exit code is 2. */
export class UsageError extends Error {}

export interface Flag {
  readonly type: 'string' | 'boolean';
}

export type FlagValues<Flags extends Record<string, Flag>> = {
  readonly [Name in keyof Flags]?: Flags[Name]['type'] extends 'string' ? string : boolean;
};

/**
 * Reads flags as MMR's users type them, with one dash or two: `-config x`, `--config=x`. Positional words are returned
 * beside them. @throws {UsageError}
 */
export function parseFlags<Flags extends Record<string, Flag>>(
  args: readonly string[],
  flags: Flags,
): { readonly values: FlagValues<Flags>; readonly words: readonly string[] } {
  const end = args.indexOf('--');
  const twoDashes = args.map((arg, index) => {
    const isFlag = (end === -1 || index < end) && /^-[A-Za-z]{2,}/.test(arg);
    return isFlag ? `-${arg}` : arg;
  });
  try {
    const { values, positionals } = parseArgs({
      args: twoDashes,
      options: flags,
      allowPositionals: true,
      strict: true,
    });
    return { values: values as FlagValues<Flags>, words: positionals }; // parseArgs checks what the type says
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/** A whole number from 1 to `max`, in digits. @throws {UsageError} that names the flag */
export function parseCount(flag: string, text: string, max: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= max) return count;
  throw new UsageError(`${flag} "${text}" is not a number from 1 to ${max}`);
}

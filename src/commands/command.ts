/** Where a command reads and writes; passed in, so that tests see what a user would. */
export interface CommandIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Somebody watches `stderr`: a line that changes may be shown there. */
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; relative paths of arguments start here. */
  readonly cwd: string;
}

/** One subcommand of `vitrine`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly usage: string;
  /** @returns the exit code: 0 done, 1 it did not work, 2 it was called wrongly */
  run(args: readonly string[], io: CommandIo): Promise<number>;
}

/** A subcommand that is loaded when somebody runs it or asks about it. */
export interface NamedCommand {
  readonly name: string;
  load(): Promise<Command>;
}

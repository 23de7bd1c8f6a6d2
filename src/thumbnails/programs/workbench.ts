import { BadRequest } from '../../matrix/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Programs } from './find-programs.ts';
import { type ProgramLimits, runProgram } from './run-program.ts';
import { type MediaSource, openSourceFolder } from './source-folder.ts';

export interface WorkbenchParts {
  readonly programs: Programs;
  readonly limits: ProgramLimits;
  /** Where folders for the work are made. */
  readonly tempPath: string;
  readonly log: Log;
}

/** A media in a folder of its own, and the programs that may look at it. Disposing it removes the folder. */
export interface Workbench extends AsyncDisposable {
  /**
   * @returns whether the program was content, which it seldom is with files that are damaged a little
   * @throws {BadRequest} when it had to be killed, or is not installed; as `runProgram`
   */
  run(asked: AskedRun): Promise<boolean>;
}

export interface AskedRun {
  readonly program: keyof Programs;
  readonly args: readonly string[];
  readonly maxOutputBytes: number;
  /** How much of the time that a run may take. */
  readonly timeShare: number;
  /** Gets what the program writes, in order. */
  readonly take: (chunk: Buffer) => void;
}

/** @throws as `openSourceFolder` */
export async function openWorkbench(
  { programs, limits, tempPath, log }: WorkbenchParts,
  source: MediaSource,
  signal: AbortSignal,
): Promise<Workbench> {
  const folder = await openSourceFolder(tempPath, source, signal);
  return {
    async run({ program, args, maxOutputBytes, timeShare, take }) {
      const found = programs[program];
      if (found === undefined) throw new BadRequest('This server makes no thumbnails of this type of media');
      const ending = await runProgram(
        { command: found.command, args, folder: folder.path, maxOutputBytes },
        { ...limits, maxRunMs: limits.maxRunMs * timeShare },
        log,
        take,
        signal,
      );
      if (ending.kind === 'exited') return ending.isClean;
      log.warn({ program, why: ending.why }, 'A program was ended by the media that it read');
      throw new BadRequest('The media takes more work than this server does for a thumbnail', {
        cause: new Error(`${program} was killed: ${ending.why}`),
      });
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** All that a program writes. @throws as `Workbench.run` */
export async function readOutput(bench: Workbench, asked: Omit<AskedRun, 'take'>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await bench.run({ ...asked, take: (chunk) => chunks.push(chunk) });
  return Buffer.concat(chunks);
}

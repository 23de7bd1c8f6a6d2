// What runs in the child process: one job after the other from stdin, each answered on stdout. See ../worker-process.ts.
import { encodeFrameStart, readFrames } from '../frames.ts';
import type { Answer, Job } from '../job.ts';
import { prepareDecoders } from './decoders.ts';
import { createWasmDecoders } from './wasm-decoders.ts';
import { work } from './work.ts';

/** More than the configuration can allow. */
const MAX_SOURCE_BYTES = 1024 ** 3;

prepareDecoders();
const wasmDecoders = createWasmDecoders();
say({ kind: 'ready' });

// The server that started this is trusted; what is not is the body.
for await (const { head, body } of readFrames(process.stdin, MAX_SOURCE_BYTES)) {
  // Not awaited: only so is it seen, while a picture is being decoded, that the server is gone. It sends one at a time.
  void work(body, head as Job, wasmDecoders).then(({ bytes, ...answer }) => say(answer, bytes));
}
// Without a server nobody waits for what is being decoded, and a plain exit would wait for it.
process.kill(process.pid, 'SIGKILL');

function say(answer: Answer, bytes: Buffer = Buffer.alloc(0)): void {
  process.stdout.write(encodeFrameStart(answer, bytes.length));
  if (bytes.length > 0) process.stdout.write(bytes);
}

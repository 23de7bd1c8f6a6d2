import { OutboundError } from './errors.ts';
import type { OutboundAnswer } from './exchange.ts';

/**
 * The whole body, where it is known to be small.
 * @throws {OutboundError} `too large`, and what the body fails with
 */
export async function readBody({ headers, body }: OutboundAnswer, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  if (Number(headers['content-length'] ?? 0) > maxBytes) refuse(maxBytes);
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) refuse(maxBytes); // leaving the loop closes the connection
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);

  function refuse(limit: number): never {
    body.destroy();
    throw new OutboundError('too large', `The answer was longer than ${limit} bytes`);
  }
}

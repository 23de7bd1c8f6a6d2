import { once } from 'node:events';
import { type Agent, type IncomingMessage, request } from 'node:http';

export interface StreamedUpload {
  readonly host: string;
  readonly token: string;
  readonly sizeBytes: number;
  /** Sent over and over. */
  readonly chunk: Buffer;
  /** Sent first, so that contents differ. */
  readonly first: string;
  readonly agent?: Agent;
}

/** Sends as fast as the other side takes it. @throws for any answer but 200 */
export async function uploadStream(url: string, upload: StreamedUpload): Promise<void> {
  const { host, token, sizeBytes, chunk, first, agent } = upload;
  const outgoing = request(`${url}/_matrix/media/v3/upload?filename=${encodeURIComponent(first)}`, {
    method: 'POST',
    headers: { host, authorization: `Bearer ${token}`, 'content-length': sizeBytes },
    ...(agent === undefined ? {} : { agent }),
  });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  outgoing.write(first);
  for (let left = sizeBytes - Buffer.byteLength(first); left > 0; left -= chunk.length) {
    if (!outgoing.write(left < chunk.length ? chunk.subarray(0, left) : chunk)) await once(outgoing, 'drain');
  }
  outgoing.end();
  const [response] = await answered;
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`An upload was answered ${response.statusCode}`);
}

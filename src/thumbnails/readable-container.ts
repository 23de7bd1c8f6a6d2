import { findPictureFormat } from './picture-format.ts';
import { CONTAINER_START_BYTES, type Container, type Family, findContainer, mayHold } from './programs/container.ts';
import type { Extractor, MediaSource } from './programs/extractor.ts';

/**
 * As what a program may read a media.
 * @param families what the configuration lists
 * @returns `undefined` for pictures, for what is not listed, and for what no program is there for
 */
export async function findReadableContainer(
  extractor: Extractor,
  source: MediaSource,
  families: readonly Family[],
  signal: AbortSignal,
): Promise<Container | undefined> {
  const readable = families.filter((family) => extractor.families.includes(family));
  if (readable.length === 0 || source.sizeBytes === 0) return undefined;
  const start = await readStart(source, signal);
  if (findPictureFormat(start) !== undefined) return undefined;
  const container = findContainer(start);
  return container !== undefined && mayHold(container, readable) ? container : undefined;
}

async function readStart(source: MediaSource, signal: AbortSignal): Promise<Buffer> {
  const start = Buffer.alloc(Math.min(CONTAINER_START_BYTES, source.sizeBytes));
  let position = 0;
  for await (const chunk of source.read({ start: 0, end: start.length - 1 }, signal)) {
    start.set(chunk, position);
    position += chunk.length;
  }
  return start;
}

import type { Answer, Job } from '../job.ts';
import { encodeBlurhash } from './encode-blurhash.ts';
import { openPicture } from './open-picture.ts';
import { placeInside } from './place-inside.ts';
import { render } from './render.ts';
import type { WasmDecoders } from './wasm-decoders.ts';

type Done = Exclude<Answer, { kind: 'ready' }> & { readonly bytes?: Buffer };

/** Does one job. Never throws: whatever is wrong with a file is an answer. */
export async function work(source: Buffer, job: Job, decoders: WasmDecoders): Promise<Done> {
  const opened = await openPicture(source, job, decoders);
  if (typeof opened === 'string') return { kind: 'refused', why: opened };
  try {
    switch (job.make) {
      case 'thumbnail':
        return await render(opened, job);
      case 'blurhash':
        return { kind: 'blurhash', blurhash: await encodeBlurhash(opened, job) };
      case 'placed picture':
        return await placeInside(opened, job);
      case 'measurement':
        return { kind: 'measurement', width: opened.header.width, height: opened.header.height };
    }
  } catch {
    return { kind: 'refused', why: 'corrupt' };
  }
}

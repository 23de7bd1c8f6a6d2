import { BadRequest } from '../../matrix/index.ts';
import type { Size } from '../choose-size.ts';
import { SOURCE_NAME } from './source-folder.ts';
import { readOutput, type Workbench } from './workbench.ts';

/** Pages come larger than the thumbnail by this: a page is a portrait as a rule, and has to fill landscapes too. */
const OVERSIZE = 2;
const PNG_BYTES_PER_PIXEL = 4;
const PNG_OVERHEAD_BYTES = 65_536;

/**
 * The first page of a PDF as a PNG. A page has no pixels of its own: its longer side gets as many as are of use.
 * @throws {BadRequest} when it cannot be drawn; as `Workbench.run`
 */
export async function drawFirstPage(bench: Workbench, size: Size, maxPixels: number): Promise<Buffer> {
  const side = Math.min(OVERSIZE * Math.max(size.width, size.height), Math.floor(Math.sqrt(maxPixels - 1)));
  if (!(side >= 1)) throw new BadRequest('This server makes no thumbnails: no picture has few enough pixels');
  const png = await readOutput(bench, {
    program: 'pdftoppm',
    args: ['-png', '-singlefile', '-f', '1', '-l', '1', '-cropbox', '-scale-to', String(side), SOURCE_NAME],
    maxOutputBytes: side * side * PNG_BYTES_PER_PIXEL + PNG_OVERHEAD_BYTES,
    timeShare: 1,
  });
  if (png.length === 0) throw new BadRequest('The document is damaged or locked; no thumbnail can be made of it');
  return png;
}

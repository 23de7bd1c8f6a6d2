import { encodePng } from '../thumbnails/index.ts';

/** A PNG to try uploads with: a colour gradient of 640×480. */
export async function drawPicture(): Promise<Buffer> {
  const [width, height] = [640, 480];
  const rgb = Buffer.alloc(width * height * 3);
  let offset = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      rgb.set([Math.round((255 * x) / width), Math.round((200 * y) / height), 160], offset);
      offset += 3;
    }
  }
  return await encodePng({ width, height, rgb });
}

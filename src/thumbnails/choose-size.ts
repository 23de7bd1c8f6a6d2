/** In whole pixels, each side at least 1. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Method = 'crop' | 'scale';

/**
 * The size that is made for a request, so that a few sizes serve all requests: the first of `sizes` that covers what is
 * asked and that no later one undercuts in both sides; where none covers it, the largest width and the largest height.
 * A crop is cut to the ratio that is asked for. With `dynamicSizing` what is asked, up to the largest sides.
 * Each side of the result is at least 1. Specification: TH-3, TH-4, TH-7.
 * @param sizes in the order of the configuration, which decides between sizes that overlap
 */
export function chooseSize(asked: Size, method: Method, sizes: readonly Size[], dynamicSizing: boolean): Size {
  const largest = {
    width: Math.max(1, ...sizes.map(({ width }) => width)),
    height: Math.max(1, ...sizes.map(({ height }) => height)),
  };
  const exact = sizes.find(({ width, height }) => width === asked.width && height === asked.height);
  if (exact !== undefined) return { width: exact.width, height: exact.height };
  if (dynamicSizing) {
    return { width: Math.min(largest.width, asked.width), height: Math.min(largest.height, asked.height) };
  }
  const target = findCovering(asked, sizes) ?? largest;
  return method === 'crop' ? fitInside(asked, target) : { width: target.width, height: target.height };
}

function findCovering(asked: Size, sizes: readonly Size[]): Size | undefined {
  let chosen: Size | undefined;
  for (const size of sizes) {
    if (size.width < asked.width || size.height < asked.height) continue;
    if (chosen === undefined || (size.width < chosen.width && size.height < chosen.height)) chosen = size;
  }
  return chosen;
}

/**
 * The largest size of the ratio of `shape` inside `box`: the side that limits it is that of the box, the other is cut
 * to whole pixels, but never to 0.
 */
export function fitInside(shape: Size, box: Size): Size {
  if (shape.width * box.height >= shape.height * box.width) {
    return { width: box.width, height: Math.max(1, Math.trunc((shape.height * box.width) / shape.width)) };
  }
  return { width: Math.max(1, Math.trunc((shape.width * box.height) / shape.height)), height: box.height };
}

/** Smaller ones are buttons and counters. */
const MIN_SIDE = 10;

/** Finds the picture that a page shows largest, by what its elements say. Of equal ones it is the first. */
export class PictureChoice {
  #largest: { readonly source: string; readonly area: number } | undefined;

  add(attributes: ReadonlyMap<string, string>): void {
    const source = attributes.get('src')?.trim() ?? '';
    const [width, height] = [sideOf(attributes.get('width')), sideOf(attributes.get('height'))];
    if (source === '' || source.startsWith('data:') || width < MIN_SIDE || height < MIN_SIDE) return;
    const area = width * height;
    if (area > (this.#largest?.area ?? 0)) this.#largest = { source, area };
  }

  get largest(): string | undefined {
    return this.#largest?.source;
  }
}

/** 0 for what is no whole number of pixels. */
function sideOf(text: string | undefined): number {
  return /^\d{1,6}$/.test(text ?? '') ? Number(text) : 0;
}

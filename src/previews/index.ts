export { drawIdenticon } from './identicons/draw-identicon.ts';
export type { Preview, PreviewPicture } from './preview.ts';
export { type AskedPreview, createPreviews, type Previews, type PreviewsParts } from './previews.ts';

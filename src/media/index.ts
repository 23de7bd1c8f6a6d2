export { createMedia, type Media } from './media.ts';
export type { MediaParts } from './media-parts.ts';
export { type MediaAsker, type OpenMedia, openObject } from './open-media.ts';
export { receiveBytes } from './received-bytes.ts';
export { commitObject, placeObject } from './stored-object.ts';
export type { Upload } from './upload.ts';

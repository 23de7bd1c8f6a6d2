export { type Blurhashes, createBlurhashes } from './blurhashes.ts';
export { chooseSize, type Method, type Size } from './choose-size.ts';
export { createEagerThumbnails, type EagerThumbnails } from './eager-thumbnails.ts';
export { createMediaInfos, type MediaInfos } from './media-info.ts';
export { createQuarantinePictures, type QuarantinePictures } from './quarantine-pictures.ts';
export { createRefusedFiles } from './refused-files.ts';
export { decoderLimitsOf, refuseLargeSource } from './suitable.ts';
export { createThumbnailer, type OpenThumbnailer, type Rendered, type Thumbnailer } from './thumbnailer.ts';
export { type AskedThumbnail, createThumbnails, type OpenThumbnail, type Thumbnails } from './thumbnails.ts';

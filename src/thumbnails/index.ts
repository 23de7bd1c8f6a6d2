export { type Blurhashes, createBlurhashes } from './blurhashes.ts';
export { chooseSize, type Method, type Size } from './choose-size.ts';
export { createEagerThumbnails, type EagerThumbnails } from './eager-thumbnails.ts';
export { encodePng } from './encode-png.ts';
export { createMediaInfos, type MediaInfo, type MediaInfos } from './media-info.ts';
export { findMissingPrograms, findNeededPrograms } from './needed-programs.ts';
export { findPictureFormat, type PictureFormat } from './picture-format.ts';
export { openPictureSource } from './picture-source.ts';
export { createExtractor } from './programs/extractor.ts';
export type { Programs } from './programs/find-programs.ts';
export { removeAbandonedFolders } from './programs/source-folder.ts';
export { createQuarantinePictures, type QuarantinePictures } from './quarantine-pictures.ts';
export { createRefusedFiles } from './refused-files.ts';
export { refuseLargeSource } from './suitable.ts';
export {
  createThumbnailer,
  type OpenThumbnailer,
  type Rendered,
  type Thumbnailer,
  type Thumbnailers,
} from './thumbnailer.ts';
export { type AskedThumbnail, createThumbnails, type OpenThumbnail, type Thumbnails } from './thumbnails.ts';

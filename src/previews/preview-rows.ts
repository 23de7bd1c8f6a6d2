import type { UrlPreviewKey, UrlPreviewRow } from '../database/index.ts';
import { formatMxcUri, type MxcUri, parseMediaId, parseServerName } from '../matrix/index.ts';
import type { Preview, PreviewPicture } from './preview.ts';

/** What became of a link: its preview, or that it has none. */
export type Outcome = { readonly preview: Preview | undefined };

const NO_PICTURE = { image_mxc: '', image_type: '', image_size: 0, image_width: 0, image_height: 0 };
const NOTHING = { site_url: '', site_name: '', resource_type: '', description: '', title: '', ...NO_PICTURE };

export function rowOf({ url, bucketTs, language }: UrlPreviewKey, { preview }: Outcome): UrlPreviewRow {
  // As matrix-media-repo writes it: that there is none is so in every language.
  if (preview === undefined) {
    return { url, error_code: 'M_NOT_FOUND', bucket_ts: bucketTs, language_header: '', ...NOTHING };
  }
  const { picture } = preview;
  return {
    url,
    error_code: '',
    bucket_ts: bucketTs,
    site_url: preview.url,
    site_name: preview.siteName,
    resource_type: preview.type,
    description: preview.description,
    title: preview.title,
    language_header: language,
    ...(picture === undefined
      ? NO_PICTURE
      : {
          image_mxc: formatMxcUri(picture.uri),
          image_type: picture.contentType,
          image_size: picture.sizeBytes,
          image_width: picture.width,
          image_height: picture.height,
        }),
  };
}

export function outcomeOf(row: UrlPreviewRow): Outcome {
  if (row.error_code !== '') return { preview: undefined };
  return {
    preview: {
      url: row.site_url,
      siteName: row.site_name,
      type: row.resource_type,
      title: row.title,
      description: row.description,
      picture: pictureOf(row),
    },
  };
}

function pictureOf(row: UrlPreviewRow): PreviewPicture | undefined {
  const uri = parseUri(row.image_mxc);
  if (uri === undefined) return undefined;
  return {
    uri,
    contentType: row.image_type,
    sizeBytes: row.image_size,
    width: row.image_width,
    height: row.image_height,
  };
}

function parseUri(text: string): MxcUri | undefined {
  const [, origin, mediaId] = /^mxc:\/\/([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (origin === undefined || mediaId === undefined) return undefined;
  return { origin: parseServerName(origin), mediaId: parseMediaId(mediaId) };
}

import { type Static, Type } from 'typebox';
import type { ThumbnailRow } from '../../database/index.ts';
import { formatMxcUri } from '../../matrix/index.ts';
import type { MediaInfo } from '../../thumbnails/index.ts';
import { authenticated } from '../authenticate.ts';
import { type Access, mediaParams, openAccess, readAskedMedia } from './asked-media.ts';
import { BLURHASH, blurhashField } from './blurhash.ts';
import type { Route } from './route.ts';

const size = { width: Type.Optional(Type.Integer()), height: Type.Optional(Type.Integer()) };

const schema = {
  summary: 'What is known about media',
  params: mediaParams,
  response: {
    200: Type.Object({
      content_uri: Type.String(),
      content_type: Type.String(),
      size: Type.Integer({ description: 'Bytes.' }),
      hashes: Type.Object({ sha256: Type.String({ description: 'Hexadecimal.' }) }),
      ...size,
      duration: Type.Optional(Type.Number({ description: 'Seconds, of videos and sounds.' })),
      num_total_samples: Type.Optional(Type.Integer({ description: 'Of one channel of a sound.' })),
      num_channels: Type.Optional(Type.Integer()),
      key_samples: Type.Optional(
        Type.Array(Type.Array(Type.Number()), {
          description: '768 samples of a sound at equal distances, left and right, from -1 to 1.',
        }),
      ),
      thumbnails: Type.Optional(
        Type.Array(
          Type.Object({
            ...size,
            ready: Type.Boolean(),
            content_type: Type.String(),
            size: Type.Integer({ description: 'Bytes.' }),
            animated: Type.Boolean(),
          }),
        ),
      ),
      ...blurhashField,
    }),
  },
};

/** `GET` and `HEAD …/info/{serverName}/{mediaId}`, as matrix-media-repo has it. */
export const info: Route = (app, { auth, mediaInfos }) => {
  const access: Access = { ...openAccess(auth), authenticate: authenticated(auth) };
  app.route<{ Params: Static<typeof mediaParams> }>({
    method: ['GET', 'HEAD'],
    url: '/info/:serverName/:mediaId',
    schema,
    config: { action: 'info' },
    onRequest: access.authenticate,
    async handler(request) {
      const { uri, asker } = readAskedMedia(request, request.params, access);
      const { media, content, thumbnails, blurhash } = await mediaInfos.find(
        request.domain,
        uri,
        asker,
        request.signal,
      );
      return {
        content_uri: formatMxcUri(uri),
        content_type: media.content_type,
        size: media.size_bytes,
        hashes: { sha256: media.sha256_hash },
        ...describeContent(content),
        ...(thumbnails.length > 0 && { thumbnails: thumbnails.map(describeThumbnail) }),
        [BLURHASH]: blurhash,
      };
    },
  });
};

/** What is zero is left out. */
function describeContent(content: MediaInfo['content']) {
  switch (content?.kind) {
    case 'picture':
      return { width: content.width, height: content.height };
    case 'video':
      return { duration: content.duration || undefined, width: content.width, height: content.height };
    case 'audio':
      return {
        duration: content.duration,
        num_total_samples: content.samples,
        num_channels: content.channels,
        key_samples: content.keySamples,
      };
    case undefined:
      return {};
  }
}

/** The size is the one that was chosen for it, which a thumbnail of another ratio does not fill. */
function describeThumbnail({ width, height, content_type, size_bytes, animated }: ThumbnailRow) {
  return { width, height, ready: true, content_type, size: size_bytes, animated };
}

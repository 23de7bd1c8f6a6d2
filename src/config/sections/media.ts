import { Type } from 'typebox';
import { later, oneOf } from '../option.ts';

export const uploads = Type.Object(
  {
    maxBytes: Type.Integer({ default: 104_857_600, description: 'Largest upload, in bytes. 0 or less: no limit.' }),
    minBytes: Type.Integer({ default: 100, description: 'Smallest upload, in bytes.' }),
    reportedMaxBytes: Type.Integer({
      default: 0,
      description:
        'What clients are told as the limit, in bytes, for proxies that allow less. 0: `maxBytes`. Negative: nothing is told.',
    }),
    maxPending: Type.Integer({
      default: 5,
      description: 'Most asynchronous uploads that a user may have open. 0 or less: no limit.',
    }),
    maxAgeSeconds: Type.Integer({
      default: 1800,
      minimum: 0,
      description: 'How long an ID that was created for an asynchronous upload waits for it, in seconds.',
    }),
    quotas: Type.Object(
      {
        enabled: Type.Boolean({ default: false, description: 'Limit what a user may keep.' }),
        users: Type.Array(
          Type.Object(
            {
              glob: Type.String({
                default: '',
                format: 'not-empty',
                description: 'User IDs, with `*` for any text. The first entry that fits counts.',
              }),
              maxBytes: Type.Integer({ default: 0, description: 'Bytes in all. 0 or less: no limit.' }),
              maxPending: Type.Integer({
                default: 0,
                description: 'Open asynchronous uploads. 0 or less: no limit.',
              }),
              maxFiles: Type.Integer({ default: 0, description: 'Files in all. 0 or less: no limit.' }),
            },
            { description: 'One rule.' },
          ),
          { default: [], description: 'Rules by user ID.' },
        ),
      },
      { description: 'Limits by user.' },
    ),
  },
  { description: 'What users may upload.' },
);

export const downloads = Type.Object(
  {
    maxBytes: Type.Integer({
      default: 104_857_600,
      description: 'Largest media that is fetched from other servers, in bytes. 0 or less: no limit.',
    }),
    numWorkers: Type.Integer({
      default: 10,
      description: 'Most fetches from other servers at once; others wait. 0 or less: no limit.',
    }),
    passOnWhileFetching: Type.Boolean({
      default: true,
      description:
        "Vitrine's own: begin to send media of other servers while it comes in. Off: send nothing before all of it has come, so that nothing at all is seen of content that is quarantined here.",
    }),
    maxPerServer: Type.Integer({
      default: 5,
      description:
        "Vitrine's own: most fetches from one other server at once, so that a slow one does not hold up the fetches from all others. 0 or less: no limit.",
    }),
    failureCacheMinutes: Type.Integer({
      default: 15,
      description:
        'How long a failed fetch is remembered, in minutes; that a server is in trouble, for one minute at most. 0 or less: not at all.',
    }),
    expireAfterDays: Type.Integer({
      default: 0,
      description: 'Remote media is removed so many days after it was fetched. 0 or less: never.',
    }),
    defaultRangeChunkSizeBytes: Type.Integer({
      default: 10_485_760,
      minimum: 1,
      description: 'Most bytes of an answer to a range without an end.',
    }),
  },
  { description: 'Media of other servers, and how it is served.' },
);

const size = Type.Object(
  {
    width: Type.Integer({ default: 0, minimum: 1, maximum: 16_384, description: 'Pixels.' }),
    height: Type.Integer({ default: 0, minimum: 1, maximum: 16_384, description: 'Pixels.' }),
  },
  { description: 'One size.' },
);

export const thumbnails = Type.Object(
  {
    maxSourceBytes: Type.Integer({
      default: 10_485_760,
      description: 'Largest file of which thumbnails are made, in bytes. 0 or less: no limit but 1 GiB.',
    }),
    maxPixels: Type.Integer({
      default: 32_000_000,
      description: "A picture's width times height must be less than this. 0 refuses all.",
    }),
    numWorkers: Type.Integer({
      default: 10,
      description:
        'Most pictures that are worked on at once; never more than the machine has cores. 0 or less: as many as cores.',
    }),
    sizes: Type.Array(size, {
      default: [
        { width: 32, height: 32 },
        { width: 96, height: 96 },
        { width: 320, height: 240 },
        { width: 640, height: 480 },
        { width: 800, height: 600 },
      ],
      minItems: 1,
      description: 'The sizes that are made. A request gets the smallest that covers it, else the largest.',
    }),
    dynamicSizing: Type.Boolean({
      default: false,
      description: 'Make the exact size that is asked for, up to the largest of `sizes`.',
    }),
    types: Type.Array(Type.String({ format: 'media-type' }), {
      default: ['image/jpeg', 'image/jpg', 'image/png', 'image/gif'],
      description:
        'Types of which thumbnails are made; `*` stands for any text, as in `image/*`. This version can do `image/jpeg`, `image/jpg`, `image/png`, `image/apng`, `image/gif`, `image/webp`, `image/avif`, `image/heic`, `image/heif`, `image/jxl`, `image/bmp`, `image/x-bmp`, `image/x-ms-bmp`, `image/vnd.microsoft.icon`, `image/x-icon`, `image/tiff` and `image/svg+xml`; with ffmpeg installed videos and sounds such as `video/mp4`, `video/webm`, `audio/mpeg` and `audio/ogg`; with pdftoppm `application/pdf`. Others may be listed. What a file is, its content decides: JPEG, PNG, GIF, WebP and AVIF are decoded under any listed type, the rest only where a type of theirs is listed.',
    }),
    videoFramePosition: Type.Number({
      default: 0.1,
      minimum: 0,
      maximum: 1,
      description: 'Where in a video its thumbnail is taken: 0 is the begin, 1 the end.',
    }),
    tempPath: Type.String({
      default: '',
      description:
        'Folder for copies of the videos, sounds and documents that are worked on at the moment. Empty: that of the system.',
    }),
    preferredTypes: Type.Array(oneOf(['image/webp', 'image/avif'], { description: 'A type.' }), {
      default: [],
      description:
        "Vitrine's own: still thumbnails are made in the first of these types that the client's `Accept` header names, which makes them smaller: `image/webp`, `image/avif`. They are kept beside the others. Empty: everybody gets JPEG or PNG.",
    }),
    generateAtUpload: Type.Boolean({
      default: false,
      description:
        "Vitrine's own: make `sizes` of every upload in the background, once it has been answered: squares cropped, the others scaled. What clients wait for goes first; when too much waits, or the service stops, thumbnails are made when they are asked for.",
    }),
    allowAnimated: Type.Boolean({
      default: true,
      description: 'Make animated thumbnails when asked to, of animated GIF, WebP and PNG. They are WebP.',
    }),
    defaultAnimated: Type.Boolean({
      default: false,
      description: 'Make animated thumbnails when a request does not say.',
    }),
    maxAnimateSizeBytes: Type.Integer({
      default: 10_485_760,
      description:
        'Larger files get still thumbnails, in bytes. 0 or less: no limit. So do those whose frames together have `maxPixels` or more.',
    }),
    stillFrame: Type.Number({
      default: 0.5,
      minimum: 0,
      maximum: 1,
      description: 'Which frame a still thumbnail of an animation shows: 0 is the first, 1 the last.',
    }),
    expireAfterDays: Type.Integer({
      default: 0,
      description: 'Thumbnails are removed so many days after they were made. 0 or less: never.',
    }),
  },
  { description: 'Thumbnails of pictures, videos, sounds and documents.' },
);

export const urlPreviews = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Make previews of links.' }),
    maxPageSizeBytes: Type.Integer({
      default: 10_485_760,
      description:
        'So much of a page is read, in bytes; one that announces more has no preview. 0 or less: no limit but 10 MiB. Pictures of pages are uploads, and have the limit of those.',
    }),
    previewUnsafeCertificates: Type.Boolean({
      default: false,
      description: 'Accept certificates that do not verify. Networks are checked all the same.',
    }),
    numWords: Type.Integer({ default: 50, description: 'Most words of a description.' }),
    maxLength: Type.Integer({ default: 200, description: 'Most characters of a description.' }),
    numTitleWords: Type.Integer({ default: 30, description: 'Most words of a title.' }),
    maxTitleLength: Type.Integer({ default: 150, description: 'Most characters of a title.' }),
    filePreviewTypes: Type.Array(Type.String(), {
      default: ['image/*'],
      description:
        'Types of files that get a preview of their own, beside texts, JSON and PDF, which always do; `*` stands for any text.',
    }),
    numWorkers: Type.Integer({
      default: 10,
      description:
        'Most links that are looked at at once, half of them for one user; others wait. 0 or less: no limit.',
    }),
    disallowedNetworks: Type.Array(Type.String({ format: 'cidr' }), {
      default: [
        '127.0.0.1/8',
        '10.0.0.0/8',
        '172.16.0.0/12',
        '192.168.0.0/16',
        '100.64.0.0/10',
        '169.254.0.0/16',
        '::1/128',
        'fe80::/64',
        'fc00::/7',
      ],
      description:
        'Networks that are never connected to for a preview. Those in which no site can be are never connected to anyhow: unspecified, link-local, multicast and reserved addresses, and those of the metadata services of clouds.',
    }),
    allowedNetworks: Type.Array(Type.String({ format: 'cidr' }), {
      default: ['0.0.0.0/0', '::/0'],
      description:
        'Networks that may be connected to, unless the list above forbids it. An empty list allows nothing. matrix-media-repo leaves IPv6 away.',
    }),
    urlDenyList: Type.Array(Type.String({ format: 'not-empty' }), {
      default: [],
      description:
        "Vitrine's own: links that are never asked for, nor redirected to. `*` stands for any text. With `://` a pattern is about the whole link, as in `*://example.org/private/*`, else about its host, as in `*.internal.example.org`.",
    }),
    proxy: Type.String({
      default: '',
      format: 'http-proxy',
      secret: 'password',
      description:
        "Vitrine's own: an HTTP proxy that opens the connections, such as `http://user:password@proxy.example.org:3128`. Names are resolved and checked here; it is told addresses, also for links without TLS. Empty: none.",
    }),
    expireAfterDays: Type.Integer({
      default: 0,
      description: 'Previews are forgotten after so many days. 0 or less: never.',
    }),
    defaultLanguage: Type.String({ default: 'en-US,en', description: '`Accept-Language` for clients that send none.' }),
    userAgent: Type.String({
      default: 'matrix-media-repo',
      description: '`User-Agent` for everything that is fetched.',
    }),
    oEmbed: Type.Boolean({ default: false, description: 'Ask the oEmbed provider of a page first.' }),
    oEmbedProvidersPath: Type.String({
      default: '',
      description:
        "Vitrine's own: a file in the form of https://oembed.com/providers.json. Empty: the list that comes along.",
    }),
  },
  { description: 'Previews of links.' },
);

export const identicons = Type.Object(
  { enabled: Type.Boolean({ default: true, description: 'Draw pictures for those who have none.' }) },
  { description: 'Pictures made of a text.' },
);

export const quarantine = Type.Object(
  {
    replaceThumbnails: Type.Boolean({
      default: true,
      description: 'Send a picture in place of thumbnails of quarantined media, not 404.',
    }),
    replaceDownloads: Type.Boolean({
      default: false,
      description: 'Send a picture in place of quarantined media, not 404.',
    }),
    thumbnailPath: Type.String({
      default: '',
      description:
        'The picture to send: a file of any format that thumbnails can be made of. Empty: a built-in one. Best an absolute path; a relative one starts at the working folder.',
    }),
    allowLocalAdmins: Type.Boolean({
      default: true,
      description: "Let a homeserver's administrators quarantine on their own domain.",
      ...later,
    }),
  },
  { description: 'Media that must not be seen.' },
);

export const archiving = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Allow exports and imports.', ...later }),
    selfService: Type.Boolean({
      default: false,
      description: 'Let users export their own media, and homeserver administrators that of their server.',
      ...later,
    }),
    targetBytesPerPart: Type.Integer({
      default: 209_715_200,
      minimum: 1,
      description: 'About how large one part of an archive becomes, in bytes.',
      ...later,
    }),
  },
  { description: 'Exports and imports.' },
);

export const timeouts = Type.Object(
  {
    urlPreviewTimeoutSeconds: Type.Integer({
      default: 10,
      description: 'For fetching a page to preview, and again for its picture, in seconds. 0 or less: 60.',
    }),
    federationTimeoutSeconds: Type.Integer({
      default: 120,
      description: 'For fetching media of another server, in seconds. 0 or less: 600.',
    }),
    clientServerTimeoutSeconds: Type.Integer({
      default: 30,
      description: 'For a call to your homeserver, in seconds. 0 or less: 60.',
    }),
  },
  { description: 'How long to wait for others.' },
);

const components = (axis: string, count: number) =>
  Type.Integer({
    default: count,
    minimum: 1,
    maximum: 9,
    description: `How many waves a computed blurhash has ${axis} the picture: more show more, and make it longer.`,
  });

export const featureSupport = Type.Object(
  {
    MSC2448: Type.Object(
      {
        enabled: Type.Boolean({
          default: false,
          description: 'Keep the blurhashes that clients give with their uploads, and compute them when asked.',
        }),
        xComponents: components('across', 4),
        yComponents: components('down', 3),
      },
      { description: 'Blurhashes: what a picture looks like before it is there.' },
    ),
  },
  { description: 'Switches of experiments.' },
);

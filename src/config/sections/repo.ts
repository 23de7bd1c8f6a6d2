import { Type } from 'typebox';

export const repo = Type.Object(
  {
    bindAddress: Type.String({
      default: '127.0.0.1',
      description: 'Address to listen on. Empty: all of them. In a container it has to be `0.0.0.0`.',
    }),
    port: Type.Integer({
      default: 8000,
      minimum: 0,
      maximum: 65_535,
      description:
        'TCP port to listen on, plain HTTP. 0: any free one, which the log tells. A reverse proxy in front speaks TLS.',
    }),
    logDirectory: Type.String({
      default: 'logs',
      description:
        'Folder for log files beside the output on the terminal, one a day, kept for 14 days. `-` or empty: no files.',
    }),
    logColors: Type.Boolean({ default: false, description: 'Colours in text logs.' }),
    jsonLogs: Type.Boolean({ default: false, description: 'Logs as one JSON object a line.' }),
    logLevel: Type.String({
      default: 'info',
      format: 'log-level',
      description: 'The least severe lines to log: `panic`, `fatal`, `error`, `warn`, `info`, `debug` or `trace`.',
    }),
    trustAnyForwardedAddress: Type.Boolean({
      default: false,
      description:
        'Believe `X-Forwarded-For` from anybody and take its first address. Off: it is believed from proxies in private networks only, and the last public address in it counts.',
    }),
    useForwardedHost: Type.Boolean({
      default: true,
      description: 'Take the domain of a request from `X-Forwarded-Host` where a proxy sends it.',
    }),
    freezeUnauthenticatedMedia: Type.Boolean({
      default: true,
      description:
        'New media is served to those with an access token only. What was stored while this was off stays public.',
    }),
    stalledClientSeconds: Type.Integer({
      default: 60,
      description:
        "Vitrine's own: a client that sends less than 16 KiB of its upload, or takes less than 256 KiB of its answers, in so many seconds for which it is waited for, is cut off. 0 or less: never.",
    }),
  },
  { description: 'Where to listen, what to log, whom to believe.' },
);

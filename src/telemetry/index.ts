export type {
  Counts,
  MadeThumbnail,
  PreviewSource,
  Readings,
  RequestLabels,
  S3Operation,
} from './counts.ts';
export { type Log, type LogOptions, type OpenLog, openLog } from './log.ts';
export { openMetrics } from './open-metrics.ts';
export { redactUrl } from './redact-url.ts';

import { findReservation } from '../database/index.ts';
import { formatMxcUri, type MxcUri, NotYetUploaded } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';
import type { MediaRecord } from './media-records.ts';

/**
 * Waits for media whose ID has been created and whose content has not come yet. Specification: CR-12.
 * @param waitMs 0: does not wait
 * @returns `undefined` when there is no such ID, or it has expired, if only during the wait
 * @throws {NotYetUploaded} when the content has not come by then
 * @throws the signal's reason when it aborts first
 */
export async function awaitMedia(
  parts: MediaParts,
  uri: MxcUri,
  waitMs: number,
  signal: AbortSignal,
): Promise<MediaRecord | undefined> {
  const reservation = await findReservation(parts.database.db, uri.origin, uri.mediaId);
  const leftMs = (reservation?.expires_ts ?? 0) - parts.now();
  // The upload may have come after the caller looked for it, and taken the reservation away.
  if (reservation === undefined || leftMs < 0) return await parts.records.findNow(uri);

  let wake = () => {};
  using _subscription = parts.bus.subscribe('upload_mxc', formatMxcUri(uri), () => wake());
  const untilMs = parts.steadyNow() + waitMs;
  for (;;) {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    wake = resolve;
    // Only now: an upload that came before the subscription has woken nobody.
    const found = await parts.records.findNow(uri);
    const restMs = untilMs - parts.steadyNow();
    if (found !== undefined) return found;
    // An upload that began in time may still come after the ID has expired, so the wait is not cut short at that moment.
    if (restMs <= 0 && waitMs > 0 && parts.now() > reservation.expires_ts) return undefined;
    if (restMs <= 0) throw new NotYetUploaded();
    await orAfter(arrived, Math.min(restMs, LOOK_AGAIN_MS), signal);
  }
}

/** Another process may have no way to wake this one. */
const LOOK_AGAIN_MS = 2_000;

async function orAfter(event: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const leave = () => reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  try {
    await Promise.race([event, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

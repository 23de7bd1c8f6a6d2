import type { FastifyRequest } from 'fastify';
import { InvalidParam } from '../matrix/index.ts';

type Query = Readonly<Record<string, string | string[] | undefined>>;

/** Fastify parses it into texts and lists of texts; before validation, anything may be in it. */
export function queryOf(request: FastifyRequest): Query {
  return request.query as Query;
}

/** The first of several values counts; an empty one is as good as none. */
export function readText(request: FastifyRequest, name: string): string | undefined {
  const value = queryOf(request)[name];
  return (Array.isArray(value) ? value[0] : value) || undefined;
}

const FLAGS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['true', '1', 't', 'T', 'TRUE', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['false', '0', 'f', 'F', 'FALSE', 'False'].map((text) => [text, false])),
};

/** `true` or `false`, or as scripts for matrix-media-repo write it. @throws {InvalidParam} for anything else */
export function readFlag(request: FastifyRequest, name: string): boolean | undefined {
  const text = readText(request, name);
  if (text === undefined) return undefined;
  if (!Object.hasOwn(FLAGS, text)) throw new InvalidParam(`"${name}" has to be true or false`);
  return FLAGS[text];
}

const DEFAULT_WAIT_MS = 20_000;
const MAX_WAIT_MS = 60_000;

/**
 * `timeout_ms`: how long to wait for media that has not been uploaded yet, cut to a minute. 0: not at all (DL-6).
 * @throws {InvalidParam} for a negative number, or none
 */
export function readWaitMs(request: FastifyRequest): number {
  const text = readText(request, 'timeout_ms');
  if (text === undefined) return DEFAULT_WAIT_MS;
  if (!/^\+?\d+$/.test(text)) throw new InvalidParam('"timeout_ms" has to be a number of milliseconds, 0 or more');
  return Math.min(Number(text), MAX_WAIT_MS);
}

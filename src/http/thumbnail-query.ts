import type { FastifyRequest } from 'fastify';
import { BadRequest, InvalidParam, MissingParam } from '../matrix/index.ts';
import { readFlag, readText } from './query.ts';

/** What the query of a thumbnail asks for; the numbers are 1 or more. */
export interface AskedPicture {
  readonly size: { readonly width: number; readonly height: number };
  readonly method: 'crop' | 'scale';
}

/**
 * However large the numbers are, they only ask for the largest (TH-16).
 * @throws {MissingParam} {@link BadRequest} for what is no number of pixels (TH-15), {@link InvalidParam} for the method
 */
export function readAskedPicture(request: FastifyRequest): AskedPicture {
  const size = { width: readPixels(request, 'width'), height: readPixels(request, 'height') };
  return { size, method: readMethod(request) };
}

function readPixels(request: FastifyRequest, name: 'width' | 'height'): number {
  const text = readText(request, name);
  if (text === undefined) throw new MissingParam(`"${name}" is missing`);
  const pixels = /^\+?\d+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : 0;
  if (pixels < 1) throw new BadRequest(`"${name}" has to be a whole number of pixels, 1 or more`);
  return pixels;
}

function readMethod(request: FastifyRequest): AskedPicture['method'] {
  const text = readText(request, 'method') ?? 'scale';
  if (text !== 'crop' && text !== 'scale') throw new InvalidParam('"method" has to be "crop" or "scale"');
  return text;
}

/** The second name is the one of the proposal. `undefined`: as the configuration says. @throws {InvalidParam} */
export function readAnimated(request: FastifyRequest): boolean | undefined {
  return readFlag(request, 'animated') ?? readFlag(request, 'org.matrix.msc2705.animated');
}

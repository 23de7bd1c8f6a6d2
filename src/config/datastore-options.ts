import type { Static, TSchema } from 'typebox';
import { wordsOf } from './decode.ts';
import { findFormatProblem } from './formats.ts';
import { notesOf } from './option.ts';
import { FILE_OPTIONS, S3_OPTIONS } from './sections/datastores.ts';

/** What is wrong with one of `opts`. */
export interface OptionProblem {
  readonly name: string;
  readonly text: string;
}

export function optionsOf(type: 'file' | 's3'): Readonly<Record<string, TSchema>> {
  return (type === 'file' ? FILE_OPTIONS : S3_OPTIONS).properties;
}

/** `opts` of a bucket as what they stand for. */
export type S3Options = Static<typeof S3_OPTIONS>;

/** @param opts that {@link findOptionProblems} has found nothing wrong with */
export function readS3Options(opts: Readonly<Record<string, string>>): S3Options {
  const values = Object.entries(optionsOf('s3')).map(([name, schema]) => [name, readText(schema, opts[name])]);
  return Object.fromEntries(values) as S3Options; // the schema has named each and its type
}

/** As with MMR, an empty text is no answer to a question of yes or no. */
function readText(schema: TSchema, text: string | undefined): unknown {
  const { type, default: fallback } = wordsOf(schema);
  if (text === undefined || (text === '' && type !== 'string')) return fallback;
  if (type === 'boolean') return YES.test(text);
  return type === 'integer' ? Number(text) : text;
}

const YES = /^(1|t|true|yes|on|y)$/i;
/** Go's words and YAML's; MMR takes every other text for `false`, which has switched TLS off unnoticed. */
const BOOLEANS = /^(1|t|true|0|f|false|yes|no|on|off|y|n|)$/i;

export function findOptionProblems(type: 'file' | 's3', opts: Readonly<Record<string, string>>): OptionProblem[] {
  const problems = Object.entries(optionsOf(type)).flatMap(([name, schema]) => {
    const allowed = findTextProblem(schema, opts[name]);
    return allowed === undefined ? [] : [{ name, text: allowed }];
  });
  return type === 's3' && problems.length === 0 ? findS3Contradictions(readS3Options(opts)) : problems;
}

function findS3Contradictions(options: S3Options): OptionProblem[] {
  const { accessKeyId, accessSecret, publicBaseUrl, signedRedirectSeconds } = options;
  const problems: OptionProblem[] = [];
  if ((accessKeyId === '') !== (accessSecret === '')) {
    const name = accessKeyId === '' ? 'accessKeyId' : 'accessSecret';
    problems.push({ name, text: 'accessKeyId and accessSecret, or neither of them' });
  }
  if (publicBaseUrl !== '' && signedRedirectSeconds > 0) {
    problems.push({
      name: 'signedRedirectSeconds',
      text: '0 beside publicBaseUrl, since a public bucket needs no signature',
    });
  }
  return problems;
}

function findTextProblem(schema: TSchema, text: string | undefined): string | undefined {
  const { type, default: fallback, enum: choices, minimum = 0, maximum = Infinity } = wordsOf(schema);
  const { format } = notesOf(schema);
  if (format !== undefined) return findFormatProblem(format, text ?? String(fallback ?? ''));
  if (text === undefined) return undefined;
  if (choices !== undefined && !choices.includes(text)) return choices.map((word) => `"${word}"`).join(', ');
  if (type === 'boolean' && !BOOLEANS.test(text)) return 'true or false';
  const number = Number(text);
  if (type === 'integer' && text !== '' && !(Number.isInteger(number) && number >= minimum && number <= maximum)) {
    return `a whole number from ${minimum} to ${maximum}`;
  }
  return undefined;
}

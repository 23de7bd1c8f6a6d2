import type { TSchema } from 'typebox';
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

/** Go's words and YAML's; MMR takes every other text for `false`, which has switched TLS off unnoticed. */
const BOOLEANS = /^(1|t|true|0|f|false|yes|no|on|off|y|n|)$/i;

export function findOptionProblems(type: 'file' | 's3', opts: Readonly<Record<string, string>>): OptionProblem[] {
  return Object.entries(optionsOf(type)).flatMap(([name, schema]) => {
    const allowed = findTextProblem(schema, opts[name]);
    return allowed === undefined ? [] : [{ name, text: allowed }];
  });
}

function findTextProblem(schema: TSchema, text: string | undefined): string | undefined {
  const { type, default: fallback, minimum = 0, maximum = Infinity } = wordsOf(schema);
  const { format } = notesOf(schema);
  if (format !== undefined) return findFormatProblem(format, text ?? String(fallback ?? ''));
  if (text === undefined) return undefined;
  if (type === 'boolean' && !BOOLEANS.test(text)) return 'true or false';
  const number = Number(text);
  if (type === 'integer' && !(Number.isInteger(number) && number >= minimum && number <= maximum)) {
    return `a whole number from ${minimum} to ${maximum}`;
  }
  return undefined;
}

import { isDeepStrictEqual } from 'node:util';
import type { TSchema } from 'typebox';
import { type Given, wordsOf } from './decode.ts';
import type { GivenDomain } from './given-domain.ts';
import { notesOf } from './option.ts';
import { domainSchema, mainSchema } from './schema.ts';

/** Keys that were set to something else than their default, and that nothing acts on yet. */
export function listWithoutEffect(main: Given, domains: readonly GivenDomain[]): string[] {
  return [
    ...collect(mainSchema, main, ''),
    ...domains.flatMap(({ serverName, given }) =>
      collect(domainSchema, given, '').map((key) => `${key} (${serverName})`),
    ),
  ];
}

function collect(schema: TSchema, given: unknown, key: string): string[] {
  const words = wordsOf(schema);
  if (notesOf(schema).later === true) {
    return given === undefined || isDeepStrictEqual(given, words.default) ? [] : [key];
  }
  if (Array.isArray(given) && words.items !== undefined) {
    const { items } = words;
    return given.flatMap((item, index) => collect(items, item, `${key}[${index}]`));
  }
  const object = (given ?? {}) as Given;
  return Object.entries(words.properties ?? {}).flatMap(([name, property]) =>
    collect(property, object[name], key === '' ? name : `${key}.${name}`),
  );
}

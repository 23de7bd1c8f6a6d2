import { type TSchema, type TUnsafe, Type } from 'typebox';

/** What an option's schema says beside JSON Schema's own words. */
export interface OptionNotes {
  /** Shown as dots by `vitrine config show`, and never logged. `password`: only the password inside of the value. */
  readonly secret?: 'whole' | 'password';
  /** Read and checked, but nothing acts on it in this version; setting it is told at the start. */
  readonly later?: boolean;
  /** A check that JSON Schema has no word for; `formats.ts` has them. */
  readonly format?: Format;
}

export type Format =
  | 'cidr'
  | 'endpoint'
  | 'http-proxy'
  | 'http-url'
  | 'log-level'
  | 'media-type'
  | 'not-empty'
  | 'regular-expression'
  | 'server-name'
  | 'server-pattern'
  | 'user-id';

/** Spread into the options of what has no effect yet. */
export const later = { later: true } as const satisfies OptionNotes;

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(
  words: Words,
  options: { readonly default?: Words[number]; readonly description: string } & OptionNotes,
): TUnsafe<Words[number]> {
  return Type.Unsafe<Words[number]>({ type: 'string', enum: [...words], ...options });
}

/** The notes of a schema; a schema without any has none of the keys. */
export function notesOf(schema: TSchema): OptionNotes {
  return schema as OptionNotes; // TypeBox passes unknown keywords through, typed as nothing
}

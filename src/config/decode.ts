import { distance } from 'fastest-levenshtein';
import type { TSchema } from 'typebox';
import { isAlias, isMap, isScalar, isSeq, type Node, Scalar, type YAMLMap } from 'yaml';
import { findFormatProblem } from './formats.ts';
import { notesOf } from './option.ts';
import type { Findings, Place } from './problems.ts';
import type { ConfigFile } from './read-files.ts';
import { removedKeyAdvice } from './removed-keys.ts';

/** The words of JSON Schema that the options use. */
export interface SchemaWords {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly default?: unknown;
  readonly description?: string;
}

export function wordsOf(schema: TSchema): SchemaWords {
  return schema as SchemaWords; // every option is made with TypeBox's builders, which write these words
}

/** What a file says, without defaults: keys that it does not give are not there. */
export type Given = { readonly [key: string]: unknown };

/** Where each key of the merged configuration was set last. */
export type Places = Map<string, Place>;

interface Context {
  readonly file: ConfigFile;
  readonly findings: Findings;
  readonly places: Places;
}

/** Reads a file's values by the schema, MMR's conversions included. `null` counts as not given. */
export function decodeFile(schema: TSchema, file: ConfigFile, findings: Findings, places: Places): Given {
  return (decode(schema, file.root, '', { file, findings, places }) ?? {}) as Given; // the root is a map
}

function decode(schema: TSchema, given: Node | null, key: string, context: Context): unknown {
  const node = isAlias(given) ? (given.resolve(context.file.document) ?? null) : given;
  if (node === null || (isScalar(node) && node.value === null)) return undefined;
  const place = context.file.placeOf(given);
  context.places.set(key, place);
  const words = wordsOf(schema);
  if (words.properties !== undefined) return decodeObject(words.properties, node, key, context);
  if (words.type === 'object') return decodeRecord(words, node, key, context);
  if (words.type === 'array') return decodeArray(words, node, key, context);
  if (words.type === undefined) return node.toJS(context.file.document);
  const value = isScalar(node) ? readScalar(words, node) : undefined;
  const problem = value === undefined ? describeAllowed(schema) : findProblem(schema, value);
  if (problem === undefined) return value;
  context.findings.refuse(place, key, `${found(schema, node)} was found; allowed: ${problem}`);
  return undefined;
}

function decodeObject(
  properties: Readonly<Record<string, TSchema>>,
  node: Node,
  key: string,
  context: Context,
): Given | undefined {
  if (!isMap(node)) return refuseShape(node, key, 'keys and values', context);
  const given: Record<string, unknown> = {};
  for (const [name, { keyNode, value }] of entriesOf(node, context)) {
    const path = key === '' ? name : `${key}.${name}`;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) {
      context.findings.warn(context.file.placeOf(keyNode), path, adviceForUnknown(name, path, Object.keys(properties)));
      if (/^datastores\[\d+\]\.enabled$/.test(path) && isScalar(value) && value.value === false) given['forKinds'] = [];
      continue;
    }
    const decoded = decode(property, value, path, context);
    if (decoded !== undefined && !(name === 'forKinds' && 'forKinds' in given)) given[name] = decoded;
  }
  return given;
}

/** What is told about a key that nobody reads. */
export function adviceForUnknown(name: string, path: string, known: readonly string[]): string {
  const removed = removedKeyAdvice(path);
  if (removed !== undefined) return removed;
  const nearest = known.map((word) => ({ word, far: distance(name.toLowerCase(), word.toLowerCase()) }));
  const best = nearest.sort((a, b) => a.far - b.far)[0];
  const hint = best !== undefined && best.far <= Math.max(2, name.length / 3) ? `; did you mean "${best.word}"?` : '';
  return `this key is not known and has no effect${hint}`;
}

function decodeRecord(words: SchemaWords, node: Node, key: string, context: Context): Given | undefined {
  if (!isMap(node)) return refuseShape(node, key, 'keys and values', context);
  const schema = Object.values(words.patternProperties ?? {})[0];
  const given = new Map<string, unknown>(); // keys may have any name, `__proto__` included
  for (const [name, { value }] of entriesOf(node, context)) {
    const decoded = schema === undefined ? undefined : decode(schema, value, `${key}.${name}`, context);
    if (decoded !== undefined) given.set(name, decoded);
  }
  return Object.fromEntries(given);
}

function decodeArray(words: SchemaWords, node: Node, key: string, context: Context): unknown[] | undefined {
  if (!isSeq(node) || words.items === undefined) return refuseShape(node, key, 'a list', context);
  if (node.items.length < (words.minItems ?? 0)) {
    context.findings.refuse(
      context.file.placeOf(node),
      key,
      `the list is empty; it needs at least ${words.minItems} entries`,
    );
  }
  const list: unknown[] = [];
  for (const [index, item] of node.items.entries()) {
    const decoded = decode(words.items, item as Node, `${key}[${index}]`, context); // a list's items are nodes
    if (decoded !== undefined) list.push(withDefaults(words.items, decoded));
  }
  return list;
}

function refuseShape(node: Node, key: string, wanted: string, { file, findings }: Context): undefined {
  const found = isScalar(node) ? 'a single value' : isSeq(node) ? 'a list' : 'keys and values';
  findings.refuse(file.placeOf(node), key, `${found} was found; allowed: ${wanted}`);
  return undefined;
}

interface Entry {
  readonly keyNode: Node;
  readonly value: Node | null;
}

/** The entries of a map, those that `<<` brings included; own ones win. */
function entriesOf(map: YAMLMap, context: Context): Map<string, Entry> {
  const own = new Map<string, Entry>();
  const merged = new Map<string, Entry>();
  for (const { key, value } of map.items) {
    const keyNode = key as Node; // keys of a parsed document are nodes
    const name = isScalar(keyNode) ? (keyNode.source ?? String(keyNode.value)) : String(keyNode);
    if (name !== '<<') {
      own.set(name, { keyNode, value: value as Node | null });
      continue;
    }
    const source = value as Node | null;
    for (const item of isSeq(source) ? source.items : [source]) {
      const target = isAlias(item) ? item.resolve(context.file.document) : item;
      if (!isMap(target)) continue;
      for (const [inner, entry] of entriesOf(target, context)) if (!merged.has(inner)) merged.set(inner, entry);
    }
  }
  return new Map([...merged, ...own]);
}

function readScalar(words: SchemaWords, node: Scalar): unknown {
  const text = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
  if (words.type === 'string') return text;
  if (node.type !== Scalar.PLAIN) return undefined; // "3" in quotes is a text
  if (words.type === 'boolean') return readBoolean(text);
  const number = readNumber(text);
  return words.type === 'integer' && !Number.isSafeInteger(number) ? undefined : number;
}

/** YAML 1.1's words, which MMR knows. */
function readBoolean(text: string): boolean | undefined {
  if (/^(true|True|TRUE|yes|Yes|YES|on|On|ON|y|Y)$/.test(text)) return true;
  if (/^(false|False|FALSE|no|No|NO|off|Off|OFF|n|N)$/.test(text)) return false;
  return undefined;
}

function readNumber(text: string): number | undefined {
  const digits = text.replaceAll('_', '').replace(/^\+/, '');
  if (/^-?0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8);
  if (/^0[xob][\da-f]+$/i.test(digits) || /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(digits)) {
    const number = Number(digits);
    return Number.isNaN(number) ? undefined : number;
  }
  return undefined;
}

/** What would be allowed, when the value is of the right type and still not right. */
function findProblem(schema: TSchema, value: unknown): string | undefined {
  const words = wordsOf(schema);
  const { format } = notesOf(schema);
  if (words.enum !== undefined && !words.enum.includes(String(value))) return describeAllowed(schema);
  if (typeof value === 'number') {
    const isInside = value >= (words.minimum ?? -Infinity) && value <= (words.maximum ?? Infinity);
    return isInside ? undefined : describeAllowed(schema);
  }
  // An empty text is the default of many options: "not set". Those that need one say "not-empty" or are lists' entries.
  const isUnset = value === '' && words.default === '' && format !== 'not-empty';
  return typeof value === 'string' && format !== undefined && !isUnset ? findFormatProblem(format, value) : undefined;
}

/** In words that follow "allowed:" or "Type". */
export function describeAllowed(schema: TSchema): string {
  const { type, enum: choices, minimum, maximum } = wordsOf(schema);
  if (choices !== undefined) return choices.map((word) => `"${word}"`).join(', ');
  const from =
    minimum === undefined ? '' : maximum === undefined ? ` of ${minimum} or more` : ` from ${minimum} to ${maximum}`;
  switch (type) {
    case 'integer':
      return `a whole number${from}, without quotes`;
    case 'number':
      return `a number${from}, without quotes`;
    case 'boolean':
      return 'true or false, without quotes';
    case 'string':
      return 'a text';
    case 'array':
      return 'a list';
    default:
      return 'keys and values';
  }
}

function found(schema: TSchema, node: Node): string {
  if (isSeq(node)) return 'a list';
  if (isMap(node)) return 'keys and values';
  if (notesOf(schema).secret !== undefined) return 'a value (not shown: it may be secret)';
  const source = isScalar(node) ? (node.source ?? String(node.value)) : String(node);
  return isScalar(node) && node.type !== Scalar.PLAIN
    ? `the text "${source.slice(0, 60)}"`
    : `"${source.slice(0, 60)}"`;
}

/** What was given, with the defaults of everything that was not. */
export function withDefaults(schema: TSchema, given: unknown): unknown {
  const words = wordsOf(schema);
  if (words.properties === undefined) return given ?? words.default;
  const object = (given ?? {}) as Given;
  return Object.fromEntries(
    Object.entries(words.properties).map(([name, property]) => [name, withDefaults(property, object[name])]),
  );
}

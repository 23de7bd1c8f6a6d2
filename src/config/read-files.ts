import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Document, isMap, LineCounter, type Node, parseAllDocuments, type YAMLMap } from 'yaml';
import type { Findings, Place } from './problems.ts';

/** One file as the operator wrote it, with positions. */
export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  readonly document: Document;
  readonly root: YAMLMap;
  placeOf(node: Node | null | undefined): Place;
}

const NAMES = /\.(ya?ml|json)$/;

/** The file, or the files of the folder in bytewise order of their names. Files with mistakes are told and left out. */
export async function readConfigFiles(path: string, findings: Findings): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (const file of await listFiles(resolve(path), findings)) {
    const read = parseFile(file, await readFile(file, 'utf8'), findings);
    if (read !== undefined) files.push(read);
  }
  return files;
}

async function listFiles(path: string, findings: Findings): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    findings.refuse(undefined, '', `${path} cannot be found; "vitrine init" writes a configuration`);
    return [];
  }
  if (!found.isDirectory()) return [path];
  const taken: string[] = [];
  for (const name of (await readdir(path)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    const file = join(path, name);
    const isFile = (await stat(file).catch(() => undefined))?.isFile() ?? false;
    if (isFile && NAMES.test(name) && !name.startsWith('.')) taken.push(file);
    else if (isFile)
      findings.warn(placeAt(file), '', 'skipped: only *.yaml, *.yml and *.json are read, and no hidden files');
  }
  if (taken.length === 0) findings.refuse(undefined, '', `the folder ${path} has no *.yaml, *.yml or *.json file`);
  return taken;
}

function parseFile(path: string, text: string, findings: Findings): ConfigFile | undefined {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  if (document === undefined) return undefined; // an empty file adds nothing
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file: path, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (Array.isArray(documents) && documents.length > 1) {
    findings.warn(at(documents[1]?.range[0] ?? 0), '', 'only the first document of a file is read');
  }
  for (const error of document.errors) findings.refuse(at(error.pos[0]), '', error.message);
  if (document.errors.length > 0 || document.contents === null) return undefined;
  if (!isMap(document.contents)) {
    findings.refuse(at(document.contents.range?.[0] ?? 0), '', 'the file has to be a list of keys and values');
    return undefined;
  }
  return {
    path,
    document,
    root: document.contents,
    placeOf: (node) => at(node?.range?.[0] ?? 0),
  };
}

function placeAt(file: string): Place {
  return { file, line: 1, column: 1 };
}

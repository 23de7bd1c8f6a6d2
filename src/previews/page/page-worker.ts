import { parentPort } from 'node:worker_threads';
import type { PageAnswer, PageKind, PageMessage } from './page-messages.ts';
import { createPageReader, type PageReader } from './page-reader.ts';
import { createTextReader, type TextReader } from './read-text.ts';

interface OpenPage {
  readonly text: TextReader;
  readonly reader: PageReader;
}

// The thread that reads pages: how long that takes is for those to say who wrote them, and the service must not wait.

const port = parentPort;
if (port === null) throw new Error('This is the inside of a worker thread');
const open = ({ charset, syntax }: PageKind): OpenPage => {
  return { text: createTextReader(charset), reader: createPageReader(syntax) };
};
const pages = new Map<number, OpenPage>();

port.on('message', (message: PageMessage) => {
  if (message.kind === 'forget') return void pages.delete(message.page);
  port.postMessage(handle(message));
});

function handle(message: Exclude<PageMessage, { readonly kind: 'forget' }>): PageAnswer {
  const { page, of } = message;
  try {
    const { text, reader } = pages.get(page) ?? open(of);
    if (message.kind === 'end') {
      pages.delete(page);
      reader.write(text.end());
      return { kind: 'read', page, facts: reader.end() };
    }
    pages.set(page, { text, reader });
    reader.write(text.write(message.bytes));
    return { kind: 'taken', page, isDone: reader.isDone };
  } catch (error) {
    pages.delete(page);
    return { kind: 'failed', page, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

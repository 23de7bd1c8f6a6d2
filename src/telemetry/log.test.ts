import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LogOptions, openLog } from './log.ts';

const now = () => Date.UTC(2024, 4, 1, 10, 20, 30, 123);

/** The lines that come of what is logged. */
async function linesOf(
  options: Partial<LogOptions>,
  write: (log: ReturnType<typeof openLog>['log']) => void,
): Promise<string[]> {
  const lines: string[] = [];
  const output = (line: string) => void lines.push(line);
  await using opened = openLog({ level: 'trace', colors: false, json: false, directory: '', now, output, ...options });
  write(opened.log);
  return lines;
}

test('text: time, level and message first, then the fields by name, quoted where they could be misread', async () => {
  const [line] = await linesOf({}, (log) =>
    log.info(
      { zebra: 1, apple: 'a/b@c^d+e.f_g-h', empty: '', words: 'two words', quoted: 'a"b', list: ['x'] },
      'Hello',
    ),
  );
  assert.equal(
    line,
    'time="2024-05-01 10:20:30.123 Z" level=info msg=Hello apple=a/b@c^d+e.f_g-h empty="" list="[\\"x\\"]" quoted="a\\"b" words="two words" zebra=1\n',
  );
});

test('colours: four letters for the level, the message padded to 44', async () => {
  const [warning, error] = await linesOf({ colors: true }, (log) => {
    log.warn({ part: 'one two' }, 'Careful');
    log.error('Broken');
  });
  const esc = '\u001b';
  assert.equal(
    warning,
    `${esc}[33mWARN${esc}[0m[2024-05-01 10:20:30.123 Z] ${'Careful'.padEnd(44)}  ${esc}[33mpart${esc}[0m="one two"\n`,
  );
  assert.equal(error, `${esc}[31mERRO${esc}[0m[2024-05-01 10:20:30.123 Z] ${'Broken'.padEnd(44)} \n`);
});

test('json: one object a line with sorted keys, and what means something to HTML is escaped', async () => {
  const [line] = await linesOf({ json: true }, (log) => log.warn({ zebra: 1, apple: '<a&b>\u2028' }, 'Hello'));
  assert.equal(
    line,
    '{"apple":"\\u003ca\\u0026b\\u003e\\u2028","level":"warning","msg":"Hello","time":"2024-05-01 10:20:30.123 Z","zebra":1}\n',
  );
  assert.equal(JSON.parse(line ?? '').apple, '<a&b>\u2028');
});

test('a field with the name of something that every line has is renamed', async () => {
  const [line] = await linesOf({ json: true }, (log) => log.info({ time: 'a', level: 'b', msg: 'c' }, 'Hello'));
  assert.deepEqual(JSON.parse(line ?? ''), {
    'fields.level': 'b',
    'fields.msg': 'c',
    'fields.time': 'a',
    level: 'info',
    msg: 'Hello',
    time: '2024-05-01 10:20:30.123 Z',
  });
});

test('nothing that a client sends can end a line or command a terminal', async () => {
  const nasty = 'a\r\nlevel=fatal\u001b[2J\u009b2J\u202e\u007f\u2028b';
  for (const colors of [false, true]) {
    const lines = await linesOf({ colors }, (log) => log.info({ agent: nasty }, nasty));
    const bare = lines.join('').replaceAll(/\u001b\[3[0-9]m|\u001b\[0m/g, '');
    assert.doesNotMatch(bare.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }
});

const LEVELS: readonly [asked: string, first: string | undefined][] = [
  ['', 'info'],
  ['TRACE', 'trace'],
  ['Debug', 'debug'],
  ['info', 'info'],
  ['warn', 'warning'],
  ['Warning', 'warning'],
  ['error', 'error'],
  ['FATAL', 'fatal'],
  ['panic', 'fatal'],
];
for (const [asked, first] of LEVELS) {
  test(`level ${JSON.stringify(asked)}: ${first} and what is worse is logged`, async () => {
    const lines = await linesOf({ level: asked, json: true }, (log) => {
      for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level]('x');
    });
    assert.equal(JSON.parse(lines[0] ?? '{}').level, first);
  });
}

test('an error is logged with its causes, and without what hangs on it', async () => {
  const inner = Object.assign(new Error('connection refused'), { headers: { authorization: 'Bearer secret-token' } });
  const outer = Object.assign(new Error('no answer', { cause: inner }), { token: 'secret-token' });
  const [line = ''] = await linesOf({ json: true }, (log) => log.error({ err: outer }, 'It failed'));
  const { err } = JSON.parse(line) as { err: string };
  assert.match(err, /^Error: no answer\n.*\ncaused by Error: connection refused\n/s);
  assert.doesNotMatch(line, /secret-token/);
});

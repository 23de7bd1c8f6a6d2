import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openLog } from '../telemetry/index.ts';
import { findNeededPrograms } from './needed-programs.ts';

/** Looks for programs in a folder that has these. */
async function findIn(t: TestContext, types: readonly string[], scripts: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-programs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  const lines: string[] = [];
  const output = (line: string) => void lines.push(line);
  const { log } = openLog({ level: 'info', colors: false, json: false, directory: '-', now: Date.now, output });
  const programs = await findNeededPrograms(types, `relative:/nonexistent:${folder}`, log, t.signal);
  const versions = Object.values(programs).map((program) => program?.version);
  return { versions, said: lines.join('') };
}

const FFMPEG = {
  ffmpeg: 'echo ffmpeg version 5.1.9-0+deb12u1 Copyright',
  ffprobe: 'echo ffprobe version n7.1 Copyright',
};
const PDFTOPPM = { pdftoppm: 'echo pdftoppm version 22.12.0 >&2' };

test('what is there is told once, with its versions', async (t) => {
  const { versions, said } = await findIn(t, ['video/mp4', 'application/pdf'], { ...FFMPEG, ...PDFTOPPM });
  assert.deepEqual(versions, ['5.1.9', '7.1', '22.12.0']);
  assert.match(said, /level=info .*Optional programs: ffmpeg 5\.1\.9, ffprobe 7\.1, pdftoppm 22\.12\.0/);
  assert.doesNotMatch(said, /level=warn/);
});

test('where only pictures are listed, no program is looked for', async (t) => {
  const { versions, said } = await findIn(t, ['image/png', 'image/*'], { ffmpeg: 'exit 1' });
  assert.deepEqual([versions, said], [[undefined, undefined, undefined], '']);
});

test('a warning names what is missing, what that costs, and what to install', async (t) => {
  const { versions, said } = await findIn(t, ['video/*', 'audio/mpeg', 'application/pdf'], { ffmpeg: 'exit 3' });
  assert.deepEqual(versions, [undefined, undefined, undefined]);
  assert.match(said, /Optional programs: none/);
  assert.match(said, /level=warning .*needs ffmpeg and ffprobe, .*no thumbnails of video and audio.*package is ffmpeg/);
  assert.match(said, /level=warning .*needs pdftoppm, .*no thumbnails of PDF.*package is poppler-utils/);
});

test('only what is listed is missed', async (t) => {
  const { said } = await findIn(t, ['application/pdf'], PDFTOPPM);
  assert.doesNotMatch(said, /level=warn/);
  const sounds = await findIn(t, ['audio/ogg'], { ffmpeg: FFMPEG.ffmpeg });
  assert.match(sounds.said, /needs ffprobe, .*no thumbnails of audio/);
});

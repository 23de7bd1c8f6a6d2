import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseProbe } from './probe.ts';

const parse = (streams: readonly object[], format: object = {}) => parseProbe(JSON.stringify({ streams, format }));
const video = { index: 0, codec_type: 'video', width: 640, height: 480, disposition: { attached_pic: 0 } };

for (const [what, more, size] of [
  ['square pixels', { sample_aspect_ratio: '1:1' }, [640, 480]],
  ['an unknown shape of pixels', { sample_aspect_ratio: '0:1' }, [640, 480]],
  ['senseless pixels', { sample_aspect_ratio: 'wide' }, [640, 480]],
  ['wide pixels', { sample_aspect_ratio: '4:3' }, [853, 480]],
  ['tall pixels', { sample_aspect_ratio: '1:2' }, [640, 960]],
  ['a turn to the left', { side_data_list: [{ rotation: 90 }] }, [480, 640]],
  ['a turn to the right', { side_data_list: [{}, { rotation: -90 }] }, [480, 640]],
  ['half a turn', { side_data_list: [{ rotation: 180 }] }, [640, 480]],
  ['a tag about its turn', { tags: { rotate: '270' } }, [480, 640]],
  ['wide pixels and a turn', { sample_aspect_ratio: '2:1', side_data_list: [{ rotation: -90 }] }, [480, 1280]],
] as const) {
  test(`a video with ${what} is ${size.join('×')}`, () => {
    const [width, height] = size;
    assert.deepEqual(parse([{ ...video, ...more }])?.video, { stream: 0, width, height });
  });
}

test('the first stream of each kind counts, and a cover is no video', () => {
  const cover = { ...video, width: 100, height: 90, disposition: { attached_pic: 1 } };
  const audio = { index: 2, codec_type: 'audio', sample_rate: '44100', channels: 2 };
  assert.deepEqual(
    parse([{ ...cover, index: 1 }, { index: 7, codec_type: 'data' }, audio, { ...audio, index: 3, channels: 6 }], {
      duration: '12.5',
    }),
    {
      duration: 12.5,
      video: undefined,
      cover: { stream: 1, width: 100, height: 90 },
      audio: { stream: 2, sampleRate: 44_100, channels: 2 },
    },
  );
});

test('what cannot be true is as good as not told', () => {
  const nothing = { duration: undefined, video: undefined, cover: undefined, audio: undefined };
  const audio = { index: 0, codec_type: 'audio' };
  for (const stream of [
    { ...video, width: 0 },
    { ...video, width: -5 },
    { ...video, height: 'high' },
    { ...video, index: undefined },
    { ...audio, sample_rate: '0', channels: 2 },
    { ...audio, sample_rate: '44100', channels: 0 },
    { ...audio, sample_rate: '44100', channels: 1e9 },
  ]) {
    assert.deepEqual(parse([stream], { duration: 'N/A' }), nothing);
  }
  assert.deepEqual(parse([], { duration: '-3' }), nothing);
});

test('ffprobe may say whatever it likes', () => {
  assert.equal(parseProbe(''), undefined);
  assert.equal(parseProbe('{"streams": ['), undefined);
  fc.assert(fc.property(fc.json(), (json) => void parseProbe(json)));
  const stream = fc.dictionary(fc.constantFrom(...Object.keys(video), 'tags', 'side_data_list'), fc.jsonValue());
  fc.assert(fc.property(fc.array(stream), (streams) => void parse(streams)));
});

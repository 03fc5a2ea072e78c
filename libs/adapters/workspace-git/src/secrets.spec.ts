import { describe, expect, it } from '@jest/globals';
import { redactor } from '@baton/workbench';
import { blobSearch } from './secrets.ts';

const SECRET = 'canary-of-this-service';
const guarded = redactor({ environment: { A_TOKEN: SECRET }, names: [], values: [] });
const id = (letter: string): string => letter.repeat(40);
const blob = (letter: string, content: string): string =>
  `${id(letter)} blob ${String(Buffer.byteLength(content))}\n${content}\n`;
const searched = (chunks: readonly Buffer[]) => {
  const search = blobSearch(guarded);
  for (const chunk of chunks) search.read(chunk);
  return search;
};

describe('a search of blobs', () => {
  const output = Buffer.from(
    [
      blob('a', 'nothing\n'),
      blob('b', `\0 token=${SECRET}\n`),
      blob('c', ''),
      `${id('d')} missing\n`,
      blob('e', `${id('f')} blob 9999\n`),
      blob('9', `ends with ${Buffer.from(SECRET).toString('hex')}`),
    ].join(''),
  );

  it.each([1, 2, 7, 64, 10_000])('finds a value in chunks of %d bytes, and of which blob it is', (size) => {
    const chunks = Array.from({ length: Math.ceil(output.length / size) }, (_, at) =>
      output.subarray(at * size, (at + 1) * size),
    );
    const { holding, searched: seen } = searched(chunks);
    expect([...new Set(holding)]).toEqual([id('b'), id('9')]);
    // What is missing was not searched.
    expect([...seen]).toEqual(['a', 'b', 'c', 'e', '9'].map(id));
  });

  it('takes the end of one blob and the beginning of the next for no value', () => {
    const half = SECRET.length / 2;
    const { holding } = searched([Buffer.from(blob('a', SECRET.slice(0, half)) + blob('b', SECRET.slice(half)))]);
    expect(holding).toEqual([]);
  });
});

import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SEALER_KEY_NAME, checkpointText, readCheckpointText, signCheckpoint, type Checkpoint } from './checkpoint.ts';
import { addVerifierKey, appendNote, checkpointPaths, readCheckpoints, readVerifierKeys } from './checkpoint-file.ts';
import { newSigningKey, readSigningKey, signNote } from './signed-note.ts';

const key = readSigningKey(newSigningKey(SEALER_KEY_NAME));
const at = (position: number): Checkpoint => ({
  epoch: '3f0a6f0e-6e4d-4c57-9a43-0d1c4ee3f0aa',
  start: 1,
  position,
  hash: String(position).padStart(64, '0'),
  sealed_at: '2026-11-21T06:10:48.123Z',
  begins: null,
});

describe('a checkpoint', () => {
  it('is text that is read back as what it was', () => {
    expect(readCheckpointText(checkpointText(at(7)))).toEqual(at(7));
    const begins = { keeps: 5, reason: 'restored the dump of Tuesday' };
    expect(readCheckpointText(checkpointText({ ...at(7), start: 2, begins }))).toEqual({ ...at(7), start: 2, begins });
    expect(checkpointText(at(7)).split('\n').slice(0, 3)).toEqual([
      'baton/log/3f0a6f0e-6e4d-4c57-9a43-0d1c4ee3f0aa/1',
      '7',
      Buffer.from(at(7).hash, 'hex').toString('base64'),
    ]);
  });

  it('stays one checkpoint whatever the reason says', () => {
    const text = checkpointText({ ...at(7), begins: { keeps: 5, reason: 'a\n\n— baton/sealer AAAA\nkeeps 0\u0000' } });
    expect(text).not.toContain('\n\n');
    expect(readCheckpointText(text)?.begins).toEqual({ keeps: 5, reason: 'a — baton/sealer AAAA keeps 0' });
  });

  it.each(['', 'baton/log/x/1\n1\nAAAA\n', 'other.example/log\n7\nAAAA\n'])('is nothing else: %j', (text) => {
    expect(readCheckpointText(text)).toBeNull();
  });
});

describe('the file of checkpoints', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'baton-checkpoints-'));
    file = checkpointPaths(join(directory, 'made')).checkpoints;
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const read = () => readCheckpoints(readFileSync(file, 'utf8'), [key.verifier]);
  const positions = () => read().checkpoints.map(({ position }) => position);
  const append = (position: number) => appendNote(file, signCheckpoint(at(position), key));

  it('gives back what was added, with the line where it stands', async () => {
    for (const position of [1, 2, 3]) await append(position);
    expect(read()).toMatchObject({ faults: [], cut_short: [], checkpoints: [{ line: 1 }, { line: 8 }, { line: 15 }] });
    expect(readFileSync(file, 'utf8').split('\n')[14]).toContain('baton/log/');
  });

  it('goes on behind whatever a power loss has left of the last one', async () => {
    await append(1);
    await append(2);
    const whole = readFileSync(file);
    const first_bytes = whole.indexOf('\n\n', whole.indexOf('\n\n') + 2) + 2;
    const kept: number[] = [];
    const unmentioned: number[] = [];
    for (let bytes = first_bytes; bytes < whole.length; bytes++) {
      truncateSync(file, 0);
      appendFileSync(file, whole.subarray(0, bytes));
      const before = positions();
      await append(3);
      const { checkpoints, faults, cut_short } = read();
      expect(faults).toEqual([]);
      expect(checkpoints.map(({ position }) => position)).toEqual([...before, 3]);
      expect(before[0]).toBe(1);
      if (before.length === 2) kept.push(bytes);
      else if (cut_short.length === 0) unmentioned.push(bytes);
    }
    // Only the line breaks at its very end, and the padding of base64, are not missed; and it is missed without a word where nothing is left.
    expect(kept).toEqual([3, 2, 1].map((less) => whole.length - less));
    expect(unmentioned).toEqual([first_bytes]);
  });

  it('passes over zeros, which a file system may put where nothing was written', async () => {
    await append(1);
    appendFileSync(file, Buffer.alloc(200));
    await append(2);
    expect(positions()).toEqual([1, 2]);
    expect(read()).toMatchObject({ faults: [], cut_short: [expect.any(Number)] });
  });

  it('tells what somebody else has written into it', async () => {
    await append(1);
    const forged = signCheckpoint(at(2), key).replace('\n2\n', '\n5\n');
    appendFileSync(file, `${forged}\n`);
    await appendNote(file, signCheckpoint(at(3), readSigningKey(newSigningKey(SEALER_KEY_NAME))));
    await appendNote(file, signNote('something else\n', key));
    await append(4);
    expect(positions()).toEqual([1, 4]);
    expect(read().faults.map(({ fault }) => fault)).toEqual(['forged', 'unknown-key', 'no-checkpoint']);
  });

  it('has its keys beside it, each once', async () => {
    const keys = join(directory, 'made', 'sealer.vkey');
    const other = readSigningKey(newSigningKey(SEALER_KEY_NAME)).verifier;
    for (const one of [key.verifier, key.verifier, other]) await addVerifierKey(keys, one);
    expect((await readVerifierKeys(keys)).map(({ text }) => text)).toEqual([key.verifier.text, other.text]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTemplates } from './templates.ts';

const yaml = (name: string, version = 1, title = 'T'): string =>
  `baton: template/v1\nname: ${name}\nversion: ${version}\nowner: platform\ntasks:\n  - { id: a, title: ${title}, instructions: I }\n`;

describe('the templates', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'baton-templates-'));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const write = (files: Readonly<Record<string, string>>) =>
    Promise.all(Object.entries(files).map(([file, text]) => writeFile(join(directory, file), text)));

  it('that ship are read', async () => {
    const { references } = await readTemplates(join(import.meta.dirname, '../templates'));
    expect(references).toEqual(['per-package@1', 'single-task@1']);
  });
  it('are found by name and version; other files are none', async () => {
    await write({ 'a.yaml': yaml('cut'), 'b.yml': yaml('cut', 2), 'README.md': 'not: [a template' });
    const templates = await readTemplates(directory);
    expect(templates.references).toEqual(['cut@1', 'cut@2']);
    expect(templates.find('cut@2')!.template).toMatchObject({ name: 'cut', version: 2 });
    expect(templates.find('cut@3')).toBeUndefined();
  });
  it('have a digest of what they say, not of how it is written', async () => {
    const digestOf = async (text: string): Promise<string> => {
      await write({ 'a.yaml': text });
      return (await readTemplates(directory)).find('cut@1')!.digest;
    };
    const digest = await digestOf(yaml('cut'));
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await digestOf(`# why\n${yaml('cut')}`)).toBe(digest);
    expect(await digestOf(yaml('cut', 1, 'Other'))).not.toBe(digest);
  });
  it.each([
    ['that does not fit', `${yaml('cut')}typo: 1\n`, 'does not fit'],
    ['that is empty', '', 'does not fit'],
    ['that is not YAML', 'tasks: [', 'is not YAML'],
  ])('with a file %s stop the start and name it', async (_what, text, problem) => {
    await write({ 'a.yaml': yaml('fine'), 'b.yaml': text });
    await expect(readTemplates(directory)).rejects.toThrow(`template ${join(directory, 'b.yaml')} ${problem}`);
  });
  it('refuse a name and version that exist already', async () => {
    await write({ 'a.yaml': yaml('cut'), 'b.yaml': yaml('cut') });
    await expect(readTemplates(directory)).rejects.toThrow(
      `template ${join(directory, 'b.yaml')}: cut@1 exists already; raise its version`,
    );
  });
});

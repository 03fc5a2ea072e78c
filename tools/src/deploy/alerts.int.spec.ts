import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { findPromtool } from '../servers/deploy-tools.ts';
import { DEPLOY } from './alerts.ts';

const run = promisify(execFile);
const FETCH_MS_MAX = 300_000;
// promtool is 100 MB that may have to come from a disk which others use as well.
jest.setTimeout(60_000);
const PROMETHEUS = join(DEPLOY, 'prometheus');

describe('promtool', () => {
  let promtool: string;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'baton-rules-'));
    promtool = await findPromtool((message) => process.stdout.write(`${message}\n`));
  }, FETCH_MS_MAX);
  afterAll(async () => rm(directory, { recursive: true, force: true }));

  const files = async (folder: string): Promise<string[]> =>
    (await readdir(join(PROMETHEUS, folder))).map((file) => join(PROMETHEUS, folder, file));

  it.each(['compose.yaml', 'kubernetes.yaml'])('accepts the scrape configuration %s', async (file) => {
    const { stdout } = await run(promtool, ['check', 'config', '--lint=all', '--lint-fatal', join(PROMETHEUS, file)]);
    expect(stdout).toContain('SUCCESS');
  });

  it('accepts the rules', async () => {
    const { stdout } = await run(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', ...(await files('rules'))]);
    expect(stdout).toContain('SUCCESS');
  });

  it('sees every alert fire when it should and stay quiet when it should not', async () => {
    const { stdout, stderr } = await run(promtool, ['test', 'rules', ...(await files('tests'))]);
    expect(`${stdout}${stderr}`).not.toContain('FAILED');
  });

  it('reports an alert that no longer fires', async () => {
    const rules = await readFile(join(PROMETHEUS, 'rules/log-and-bus.yaml'), 'utf8');
    const test = await readFile(join(PROMETHEUS, 'tests/relay-lag.yaml'), 'utf8');
    await writeFile(join(directory, 'rules.yaml'), rules.replace('> 5000', '> 50000'));
    await writeFile(join(directory, 'test.yaml'), test.replace('../rules/log-and-bus.yaml', 'rules.yaml'));
    await expect(run(promtool, ['test', 'rules', join(directory, 'test.yaml')])).rejects.toThrow('BatonRelayLag');
  });
});

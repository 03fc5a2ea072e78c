/** The build stage's compilation, run on what gets into the context and nothing else: what a build of the images would meet first. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, matchesGlob } from 'node:path';
import { promisify } from 'node:util';

import { SERVICE_NAMES } from '@baton/contracts';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { DEPLOY } from './alerts.ts';
import { stagesOf } from './dockerfile.ts';

const run = promisify(execFile);
const ROOT = join(DEPLOY, '..');
jest.setTimeout(120_000);

/** Everything that is let in by a first segment, less what a pattern of any depth keeps out. */
function inContext(dockerignore: string, path: string): boolean {
  const lines = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return (
    lines.includes(`!${path.split('/')[0]}`) &&
    !lines.some((line) => line.startsWith('**/') && (matchesGlob(path, line) || matchesGlob(path, `${line}/**`)))
  );
}

/** Dependencies from outside as they are; the packages of the repository as links into the context. */
async function linkModules(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    if (name === '@baton') await cp(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true });
    else await symlink(join(from, name), join(to, name));
  }
}

describe('the build stage of the images', () => {
  let context: string;
  beforeAll(async () => {
    context = await mkdtemp(join(process.env['BATON_TEST_RUN_DIRECTORY'] ?? tmpdir(), 'context-'));
    const dockerignore = await readFile(join(ROOT, '.dockerignore'), 'utf8');
    const { stdout } = await run('git', ['-C', ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      maxBuffer: 16 * 1024 * 1024,
    });
    for (const path of stdout.split('\0').filter((file) => inContext(dockerignore, file))) {
      await mkdir(dirname(join(context, path)), { recursive: true });
      // One that was deleted and not yet committed is still named.
      await cp(join(ROOT, path), join(context, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    const packages = ['.', 'tools', ...(await readdir(join(ROOT, 'apps'))).map((name) => join('apps', name))];
    for (const folder of packages) {
      const modules = join(folder, 'node_modules');
      const own = await readdir(join(ROOT, modules)).catch(() => []);
      if (own.length > 0) await linkModules(join(ROOT, modules), join(context, modules));
    }
  });
  afterAll(() => rm(context, { recursive: true, force: true }));

  it('compiles every service and the command line from what gets into the context', async () => {
    const build = stagesOf(await readFile(join(DEPLOY, 'docker/Dockerfile'), 'utf8')).find(({ name }) => name === 'build');
    const compile = build?.instructions.find(({ word, rest }) => word === 'RUN' && rest.includes('tsc -b'))?.rest;
    const said = await run('sh', ['-c', compile!], { cwd: context }).then(
      () => '',
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
    );
    expect(said).toBe('');
    for (const image of [...SERVICE_NAMES, 'cli'])
      expect(await readdir(join(context, 'apps', image, 'dist'))).toContain('main.js');
  });
});

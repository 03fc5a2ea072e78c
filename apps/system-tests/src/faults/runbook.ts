/** The commands of a runbook's section, run as they stand there: a page that is wrong fails its test. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from '../baton.ts';
import type { Ground } from './ground.ts';

const run = promisify(execFile);
const RUN_MS_MAX = 240_000;

export async function runbook({ baton, environment }: Ground, page: string, section: string): Promise<string> {
  const text = await readFile(join(REPOSITORY, 'deploy/runbooks', page), 'utf8');
  const [, part = ''] = text.split(`\n## ${section}\n`);
  const blocks = [...(part.split('\n## ')[0] ?? '').matchAll(/```sh\n([\s\S]*?)```/g)].map(([, commands]) => commands);
  if (blocks.length === 0) throw new Error(`${page} has no commands under "${section}"`);
  const bin = join(baton.directory, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(
    join(bin, 'baton'),
    `#!/bin/sh\nexec "${process.execPath}" "${join(REPOSITORY, 'apps/cli/bin/baton.js')}" "$@"\n`,
  );
  await chmod(join(bin, 'baton'), 0o755);
  const { stdout, stderr } = await run('sh', ['-e', '-c', blocks.join('\n')], {
    cwd: baton.directory,
    timeout: RUN_MS_MAX,
    env: { ...process.env, NO_COLOR: '1', ...environment, BATON_HOME: baton.home, PATH: `${bin}:${process.env.PATH ?? ''}` },
  });
  return stdout + stderr;
}

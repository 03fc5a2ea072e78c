import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { removeTree, scrubbedEnvironment } from './run-directory.ts';

const run = promisify(execFile);
/** Each step down is a call of its own: together they are no path any more. */
const DOWN = `const fs = require('node:fs'); for (let at = 0; at < 600; at++) { fs.mkdirSync('deeper-and-deeper'); process.chdir('deeper-and-deeper'); } fs.writeFileSync('file', 'x');`;

describe('a tree', () => {
  it('is removed however deep it is', async () => {
    const top = await mkdtemp(join(tmpdir(), 'run-directory-'));
    await run(process.execPath, ['--eval', DOWN], { cwd: top });
    await removeTree(top);
    expect(existsSync(top)).toBe(false);
  });

  it('is removed where nobody may write, and where it is not there', async () => {
    const top = await mkdtemp(join(tmpdir(), 'run-directory-'));
    await mkdir(join(top, 'cache'));
    await writeFile(join(top, 'cache/module'), '');
    await chmod(join(top, 'cache'), 0o500);
    await removeTree(top);
    expect(existsSync(top)).toBe(false);
    await removeTree(top);
  });
});

describe('the environment of a program that is not ours', () => {
  it("has what is named, and never what is the service's own", () => {
    const own = {
      BATON_PG_URL: 'a',
      BATON_NATS_NKEY_SEED: 'b',
      baton_sealer_key: 'c',
      PGPASSWORD: 'd',
      OTEL_EXPORTER_OTLP_HEADERS: 'e',
    };
    const environment = { ...own, A_TOKEN: 't', PGP_KEY: 'p', UNNAMED: 'u', PATH: '/bin' };
    const names = [...Object.keys(own), 'A_TOKEN', 'PGP_KEY', 'NOT_THERE'];
    expect(scrubbedEnvironment(environment, { home: '/h', temp: '/t' }, names)).toEqual({
      PATH: '/bin',
      HOME: '/h',
      LANG: 'C.UTF-8',
      TMPDIR: '/t',
      A_TOKEN: 't',
      PGP_KEY: 'p',
    });
  });
});

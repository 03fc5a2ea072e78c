import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

describe('importing the event store', () => {
  it('does not load typeorm, which only migrations need and every process start would pay for', async () => {
    const script = `import(${JSON.stringify(new URL('index.ts', import.meta.url).href)})
      .then(() => console.log(JSON.stringify(Object.keys(require.cache))))`;
    // A process of its own: this one may have loaded anything before.
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--conditions=@baton/source',
      '--experimental-transform-types',
      '-e',
      script,
    ]);
    const loaded = JSON.parse(stdout) as readonly string[];
    expect(loaded.filter((path) => /[\\/]node_modules[\\/]pg[\\/]/.test(path))).not.toEqual([]);
    expect(loaded.filter((path) => /[\\/]node_modules[\\/]typeorm[\\/]/.test(path))).toEqual([]);
  });
});

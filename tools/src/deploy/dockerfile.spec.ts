import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { SERVICE_NAMES } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';

import { DEPLOY } from './alerts.ts';
import { type Surroundings, dockerfileFaults, isInContext, stagesOf } from './dockerfile.ts';

const ROOT = join(DEPLOY, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const dockerfile = read('deploy/docker/Dockerfile');
const ignore = read('.dockerignore');

interface Package {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
const packageOf = (folder: string): Package => JSON.parse(read(join(folder, 'package.json'))) as Package;

const surroundings: Surroundings = {
  images: [...SERVICE_NAMES, 'cli'],
  with_git: SERVICE_NAMES.filter((service) => packageOf(`apps/${service}`).dependencies?.['@baton/workspace-git'] !== undefined),
  exists: (path) => existsSync(join(ROOT, path)) && isInContext(ignore, path),
};

describe('the Dockerfile', () => {
  it('builds every service from paths that exist, and runs none of them as root or under a shell', () => {
    expect(surroundings.with_git).not.toEqual([]);
    expect(dockerfileFaults(dockerfile, surroundings)).toEqual([]);
  });

  it('uses the version of Node that everything is tested with', () => {
    expect(stagesOf(dockerfile)[0]?.from).toBe(`node:${packageOf('.').devDependencies?.node}-bookworm-slim`);
  });

  it.each<readonly [string, string, string, string]>([
    ['a path that is gone', 'COPY libs libs', 'COPY lib lib', 'COPY lib:'],
    ['a path that is kept out of the context', 'COPY libs libs', 'COPY docs docs', 'COPY docs:'],
    ['a stage that is gone', '--from=trimmed /baton/libs', '--from=trimed /baton/libs', 'no such stage'],
    [
      'an image without a version',
      'FROM node:${NODE_VERSION}-bookworm-slim AS plain',
      'FROM node:latest AS plain',
      'FROM node:latest',
    ],
    ['a user that is not a number', 'USER 10001:10001', 'USER baton', 'USER'],
    ['root', 'USER 10001:10001', 'USER 0:0', 'USER'],
    [
      'a shell as entry point',
      'ENTRYPOINT ["node", "--enable-source-maps", "--single-threaded-gc", "--max-semi-space-size=32", "/baton/service/dist/main.js"]',
      'ENTRYPOINT node main.js',
      'ENTRYPOINT of service',
    ],
    ['a service without a stage', 'FROM plain AS system-planner', '', 'system-planner'],
    ['a stage without a service', 'AS system-planner', 'AS system-painter', 'system-painter'],
    ['git where none is used', 'FROM plain AS system-relay', 'FROM with-git AS system-relay', 'system-relay'],
    ['no git where it is used', 'FROM with-sandbox AS system-release', 'FROM plain AS system-release', 'system-release'],
    ['no health check', '/readyz', '/', 'HEALTHCHECK'],
    ['development dependencies', '--omit=dev', '', '--omit=dev'],
  ])('would be reported for %s', (_name, sound, broken, said) => {
    expect(dockerfile).toContain(sound);
    expect(dockerfileFaults(dockerfile.replace(sound, broken), surroundings).join('\n')).toContain(said);
  });
});

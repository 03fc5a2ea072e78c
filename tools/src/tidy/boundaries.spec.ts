// Every row of the dependency table refuses what it must and lets pass what it may: one planted import each.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { REPOSITORY, createScratch, type Scratch } from './scratch.ts';

const folders: Record<string, string> = {
  'libs/contracts': 'contracts',
  'libs/domain': 'domain',
  'libs/ports': 'ports',
  'libs/handling': 'handling',
  'libs/simulation': 'simulation',
  'libs/event-store': 'platform',
  'libs/bus': 'platform',
  'libs/telemetry': 'platform',
  'libs/adapters/agent': 'adapter',
  'libs/adapters/forge': 'adapter',
  'libs/service-host': 'host',
  'libs/testing': 'testing',
  'apps/planner': 'app',
  'apps/intake': 'app',
  'apps/cli': 'app',
  'apps/system-tests': 'system-tests',
  tools: 'tools',
  bench: 'bench',
};
const npm = ['zod', 'pg', 'typeorm', '@nestjs/common', 'lodash'];

// [the importing package, what it imports, the rule that must refuse it]
const refused: [string, string, string][] = [
  ['libs/contracts', '@baton/domain', 'contracts-imports'],
  ['libs/contracts', 'pg', 'contracts-npm'],
  ['libs/domain', '@baton/ports', 'domain-imports'],
  ['libs/domain', 'zod', 'domain-npm'],
  ['libs/domain', '@baton/testing', 'domain-imports'],
  ['libs/ports', '@baton/domain', 'ports-imports'],
  ['libs/ports', 'zod', 'ports-npm'],
  ['libs/handling', '@baton/event-store', 'handling-imports'],
  ['libs/handling', '@nestjs/common', 'handling-npm'],
  ['libs/handling', '@baton/simulation', 'handling-imports'],
  ['libs/simulation', '@baton/bus', 'simulation-imports'],
  ['libs/simulation', 'zod', 'simulation-npm'],
  ['libs/event-store', '@baton/domain', 'platform-imports'],
  ['libs/event-store', '@nestjs/common', 'platform-npm'],
  ['libs/telemetry', 'pg', 'platform-npm'],
  ['libs/bus', 'typeorm', 'platform-npm'],
  ['libs/adapters/agent', '@baton/event-store', 'adapter-imports'],
  ['libs/adapters/agent', '@baton/forge', 'adapter-imports'],
  ['libs/adapters/agent', '@nestjs/common', 'adapter-npm'],
  ['libs/adapters/agent', 'pg', 'adapter-npm'],
  ['libs/adapters/agent', 'typeorm', 'adapter-npm'],
  ['libs/service-host', '@baton/agent', 'host-imports'],
  ['libs/service-host', '@baton/testing', 'host-imports'],
  ['libs/service-host', '@baton/simulation', 'host-imports'],
  ['libs/service-host', 'pg', 'host-npm'],
  ['apps/planner', '@baton/intake', 'app-imports'],
  ['apps/planner', '@baton/testing', 'app-imports'],
  ['apps/planner', '@baton/tools', 'app-imports'],
  ['apps/planner', 'pg', 'app-npm'],
  ['apps/planner', 'typeorm', 'app-npm'],
  ['tools', '@baton/planner', 'tools-imports'],
  ['libs/testing', '@baton/planner', 'testing-imports'],
  ['bench', '@baton/planner', 'bench-imports'],
  ['bench', 'typeorm', 'bench-npm'],
  // The same for every package:
  ['apps/planner', 'lodash', 'declared'],
  ['apps/planner', '@baton/nowhere', 'resolvable'],
  ['apps/planner', '@baton/contracts/src/inner.ts', 'resolvable'],
  ['apps/planner', '../../../libs/contracts/src/inner.ts', 'one-door'],
  ['apps/planner', '../../../libs/contracts/src/index.ts', 'by-name'],
];

const allowed: [string, string][] = [
  ['libs/contracts', 'zod'],
  ['libs/domain', '@baton/contracts'],
  ['libs/handling', '@baton/domain'],
  ['libs/handling', '@baton/ports'],
  ['libs/simulation', '@baton/handling'],
  ['libs/event-store', 'pg'],
  ['libs/event-store', 'typeorm'],
  ['libs/event-store', '@baton/telemetry'],
  ['libs/bus', '@nestjs/common'],
  ['libs/adapters/agent', '@baton/telemetry'],
  ['libs/service-host', '@baton/event-store'],
  ['libs/service-host', '@nestjs/common'],
  ['apps/planner', '@baton/agent'],
  ['apps/planner', '@baton/service-host'],
  ['apps/cli', '@baton/tools'],
  ['libs/testing', 'pg'],
  ['apps/system-tests', '@baton/cli'],
  ['bench', '@baton/tools'],
  ['bench', 'pg'],
];

type Violation = { from: string; rule: { name: string } };
const nameOf = (folder: string): string => `@baton/${folder.split('/').at(-1)}`;

describe('boundaries', () => {
  let scratch: Scratch;
  let violations: Violation[];

  beforeAll(() => {
    scratch = createScratch();
    plantWorkspace(scratch);
    const { stdout } = scratch.run(
      'depcruise',
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'json',
      'apps',
      'libs',
      'tools',
      'bench',
    );
    violations = (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
  });
  afterAll(() => scratch.remove());

  const rulesBroken = (path: string): string[] => violations.filter(({ from }) => from === path).map(({ rule }) => rule.name);

  it.each(refused.map((row, index) => [...row, index] as const))('%s may not import %s (%s)', (folder, _, rule, index) => {
    expect(rulesBroken(`${folder}/src/refused-${index}.ts`)).toContain(rule);
  });

  it.each(allowed.map((row, index) => [...row, index] as const))('%s may import %s', (folder, _, index) => {
    expect(rulesBroken(`${folder}/src/allowed-${index}.ts`)).toEqual([]);
  });

  it('lets specs use testing and simulation, but nothing else beyond their row', () => {
    expect(rulesBroken('libs/domain/src/fine.spec.ts')).toEqual([]);
    expect(rulesBroken('libs/domain/src/wrong.spec.ts')).toEqual(['domain-spec-imports']);
  });

  it('sees a type-only import and a cycle', () => {
    expect(rulesBroken('libs/domain/src/type-only.ts')).toEqual(['domain-imports']);
    expect(rulesBroken('libs/domain/src/round.ts')).toEqual(['no-cycles']);
  });

  it('refuses a package of a kind nobody has described', () => {
    scratch.write({ 'libs/ports/package.json': '{ "name": "@baton/ports", "nx": { "tags": ["kind:misc"] } }' });
    const { status, stderr } = scratch.run('depcruise', '--config', '.dependency-cruiser.mjs', 'libs');
    expect(status).not.toBe(0);
    expect(stderr).toContain('kind "misc" has no row');
  });
});

function plantWorkspace(scratch: Scratch): void {
  scratch.copy('.dependency-cruiser.mjs', 'tools/src/boundaries.ts', 'tools/src/workspaces.ts');
  scratch.write({
    'package.json': '{ "type": "module", "workspaces": ["libs/*", "libs/adapters/*", "apps/*", "tools", "bench"] }',
  });
  // The parser the rules run on comes from the repository, the packages they judge from the scratch.
  scratch.link('node_modules/@swc', join(REPOSITORY, 'node_modules/@swc'));
  for (const name of npm) {
    scratch.write({
      [`node_modules/${name}/package.json`]: `{ "name": "${name}", "main": "index.js" }`,
      [`node_modules/${name}/index.js`]: '',
    });
  }
  for (const [folder, kind] of Object.entries(folders)) {
    const dependencies = Object.fromEntries(npm.filter((name) => name !== 'lodash').map((name) => [name, '1.0.0']));
    const exports = { '.': { '@baton/source': './src/index.ts' } };
    scratch.write({
      [`${folder}/package.json`]: JSON.stringify({ name: nameOf(folder), exports, nx: { tags: [`kind:${kind}`] }, dependencies }),
      [`${folder}/src/index.ts`]: 'export const door = 1;\n',
    });
    scratch.link(`node_modules/${nameOf(folder)}`, join(scratch.root, folder));
  }
  scratch.write({
    'libs/contracts/src/inner.ts': 'export const inner = 1;\n',
    ...Object.fromEntries(refused.map(([folder, what], index) => [`${folder}/src/refused-${index}.ts`, `import '${what}';\n`])),
    ...Object.fromEntries(allowed.map(([folder, what], index) => [`${folder}/src/allowed-${index}.ts`, `import '${what}';\n`])),
    'libs/domain/src/fine.spec.ts': "import '@baton/testing';\nimport '@baton/simulation';\nimport 'lodash';\n",
    'libs/domain/src/wrong.spec.ts': "import '@baton/bus';\n",
    'libs/domain/src/type-only.ts': "import type { door } from '@baton/ports';\nexport type Door = typeof door;\n",
    'libs/domain/src/round.ts': "import './trip.ts';\nexport const round = 1;\n",
    'libs/domain/src/trip.ts': "import './round.ts';\nexport const trip = 1;\n",
  });
}

// Each lint rule the design leans on reports its planted violation, and clean code passes.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createScratch, type Scratch } from './scratch.ts';

const LINES_OVER = 80;
const long = (name: string): string =>
  `export function ${name}(): number {\n${'  Math.abs(1);\n'.repeat(LINES_OVER)}  return 1;\n}\n`;

// One violation per file: [what it plants, where, the text, the rule that must report it].
const planted: [string, string, string, string][] = [
  [
    'a node: import',
    'libs/domain/src/a.ts',
    "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;\n",
    'baton(pure)',
  ],
  ['a bare built-in', 'libs/contracts/src/b.ts', "import { join } from 'path';\nexport const b = join;\n", 'baton(pure)'],
  ['a dynamic built-in', 'libs/ports/src/c.ts', "export const c = import('node:net');\n", 'baton(pure)'],
  ['new Date() without time', 'libs/domain/src/d.ts', 'export const d = new Date();\n', 'baton(pure)'],
  ['Date() as a function', 'libs/domain/src/e.ts', 'export const e = Date();\n', 'baton(pure)'],
  ['Date.now', 'libs/domain/src/f.ts', 'export const f = Date.now();\n', 'eslint(no-restricted-properties)'],
  ['Math.random', 'libs/ports/src/g.ts', 'export const g = Math.random();\n', 'eslint(no-restricted-properties)'],
  ['a timer', 'libs/contracts/src/h.ts', 'export const h = setTimeout(() => 1, 1);\n', 'eslint(no-restricted-globals)'],
  ['process', 'libs/domain/src/i.ts', 'export const i = process.env;\n', 'eslint(no-restricted-globals)'],
  ['fetch', 'libs/domain/src/j.ts', "export const j = fetch('x');\n", 'eslint(no-restricted-globals)'],
  ['crypto', 'libs/domain/src/k.ts', 'export const k = crypto.randomUUID();\n', 'eslint(no-restricted-globals)'],
  ['globalThis', 'libs/domain/src/l.ts', 'export const l = globalThis;\n', 'eslint(no-restricted-globals)'],
  [
    'a forgotten promise',
    'libs/bus/src/m.ts',
    'const m = async () => 1;\nexport const n = () => {\n  m();\n};\n',
    'typescript(no-floating-promises)',
  ],
  [
    'a promise as condition',
    'libs/bus/src/n.ts',
    'const m = async () => true;\nexport const n = () => (m() ? 1 : 2);\n',
    'typescript(no-misused-promises)',
  ],
  ['any', 'libs/bus/src/o.ts', 'export const o = (value: any): unknown => value;\n', 'typescript(no-explicit-any)'],
  ['export *', 'libs/bus/src/p.ts', "export * from './o.ts';\n", 'baton(explicit-exports)'],
  ['a default export', 'libs/bus/src/q.ts', 'export default 1;\n', 'import(no-default-export)'],
  ['a long function', 'libs/bus/src/r.ts', long('r'), 'baton(function-lines)'],
  ['console', 'libs/bus/src/s.ts', "console.log('s');\n", 'eslint(no-console)'],
  [
    'a sleep in a spec',
    'libs/bus/src/t.spec.ts',
    'export const t = new Promise((done) => setTimeout(done, 9));\n',
    'baton(no-sleep)',
  ],
  [
    'a sleep by promise timers',
    'libs/bus/src/u.spec.ts',
    "import { setTimeout } from 'node:timers/promises';\nawait setTimeout(9);\n",
    'baton(no-sleep)',
  ],
  [
    'a spec that runs alone',
    'libs/bus/src/v.spec.ts',
    "import { expect, it } from '@jest/globals';\nit.only('v', () => expect(1).toBe(1));\n",
    'jest(no-focused-tests)',
  ],
  [
    'a spec that never runs',
    'libs/bus/src/w.spec.ts',
    "import { expect, it } from '@jest/globals';\nit.skip('w', () => expect(1).toBe(1));\n",
    'jest(no-disabled-tests)',
  ],
  ['a disable without need', 'libs/bus/src/x.ts', '// oxlint-disable-next-line no-console\nexport const x = 1;\n', 'Unused'],
];

const clean = {
  'libs/domain/src/clean.ts': 'export const epoch = new Date(0);\nexport const largest = Math.max(1, 2);\n',
  'libs/domain/src/clean.spec.ts':
    "import { readFileSync } from 'node:fs';\nexport const seen = [readFileSync, Date.now(), process.pid];\n",
  // A factory may be long as long as the functions inside are short.
  'libs/bus/src/clean.ts': `export function createMany(): (() => number)[] {\n  return [\n${'    () => {\n      return 1;\n    },\n'.repeat(LINES_OVER)}  ];\n}\n`,
  'libs/bus/src/clean.spec.ts':
    "export const deadline = new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 9));\n",
  'jest.config.mjs': 'export default {};\n',
};

type Finding = { code: string; filename: string; message: string };

describe('lint', () => {
  let scratch: Scratch;
  let findings: Finding[];

  beforeAll(() => {
    scratch = createScratch();
    scratch.copy('.oxlintrc.json', 'tools/src/lint', 'tsconfig.base.json');
    scratch.write({
      'tools/src/tidy/ratchet.json':
        '{ "functions": { "libs/bus/src/shrunk.ts#shrunk": 120, "libs/bus/src/grandfathered.ts#old": 82 } }',
      'libs/bus/src/shrunk.ts': long('shrunk'),
      'libs/bus/src/grandfathered.ts': long('old').replace('  Math.abs(1);\n', ''),
      'tsconfig.json': '{ "extends": "./tsconfig.base.json", "compilerOptions": { "types": [] }, "include": ["libs"] }',
      ...Object.fromEntries(planted.map(([, path, text]) => [path, text])),
      ...clean,
    });
    const { stdout } = scratch.run('oxlint', '--format', 'json');
    findings = (JSON.parse(stdout) as { diagnostics: Finding[] }).diagnostics;
  });
  afterAll(() => scratch.remove());

  const reported = (path: string): string[] =>
    findings.filter(({ filename }) => filename === path).map(({ code, message }) => `${code ?? ''} ${message}`);

  it.each(planted)('reports %s', (_, path, __, code) => {
    expect(reported(path)).toEqual(expect.arrayContaining([expect.stringContaining(code)]));
  });

  it.each(Object.keys(clean))('lets %s pass', (path) => {
    expect(reported(path)).toEqual([]);
  });

  it('lets a function on the ratchet list keep its length, and asks for the entry to follow when it shrinks', () => {
    expect(reported('libs/bus/src/grandfathered.ts')).toEqual([]);
    expect(reported('libs/bus/src/shrunk.ts')).toEqual([expect.stringContaining('lower "libs/bus/src/shrunk.ts#shrunk"')]);
  });
});

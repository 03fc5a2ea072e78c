// Every package of apps, libs and tools has the same three cached targets, read off its place in the tree; no project.json anywhere.
import { dirname } from 'node:path';

const JEST = 'node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js';
const toolchain = ['{workspaceRoot}/package-lock.json', '{workspaceRoot}/tsconfig.base.json'];

function targets(root) {
  return {
    build: {
      command: `tsc -b ${root}`,
      dependsOn: ['^build'],
      cache: true,
      inputs: ['sources', '^sources', ...toolchain],
      outputs: ['{projectRoot}/dist', '{projectRoot}/tsconfig.tsbuildinfo'],
    },
    // Integration specs look at real servers and other packages' sources, so all of those are inputs.
    test: {
      command: `${JEST} --passWithNoTests --testPathPatterns ${root}/`,
      cache: true,
      inputs: ['sources', '^sources', '{workspaceRoot}/jest.config.mjs', ...toolchain],
    },
    lint: {
      command: `oxlint ${root}`,
      cache: true,
      inputs: ['sources', '^sources', '{workspaceRoot}/.oxlintrc.json', '{workspaceRoot}/tools/src/lint/*', ...toolchain],
    },
  };
}

export const createNodesV2 = [
  '{apps,libs,tools}/**/package.json',
  (files) =>
    files
      .filter((file) => !file.includes('node_modules') && !file.includes('/dist/'))
      .map((file) => [file, { projects: { [dirname(file)]: { targets: targets(dirname(file)) } } }]),
];

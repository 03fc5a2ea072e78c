// Specs run straight from the TypeScript sources: `@baton/*` resolves through the "@baton/source" condition, nothing is built first.
import { existsSync } from 'node:fs';

const swc = (tsx) => ({
  swcrc: false,
  sourceMaps: 'inline',
  module: { type: 'es6' },
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript', decorators: true, tsx },
    // Nest's injection reads the constructor types that these two leave behind.
    transform: { legacyDecorator: true, decoratorMetadata: true, react: { runtime: 'automatic' } },
    keepClassNames: true,
  },
});

// Brings up Postgres and NATS once for all integration specs, on first demand.
const setup = './libs/testing/jest/global-setup.mjs';
const teardown = './libs/testing/jest/global-teardown.mjs';

export default {
  testMatch: ['**/*.spec.ts', '**/*.spec.tsx'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@baton/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  transform: { '\\.ts$': ['@swc/jest', swc(false)], '\\.tsx$': ['@swc/jest', swc(true)] },
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/\\.nx/', '<rootDir>/\\.baton/'],
  watchman: false,
  maxWorkers: 2,
  ...(existsSync(setup) ? { globalSetup: setup } : {}),
  ...(existsSync(teardown) ? { globalTeardown: teardown } : {}),
};

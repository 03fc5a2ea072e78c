// Specs run straight from the TypeScript sources: `@baton/*` resolves through the "@baton/source" condition, nothing is built first.
const swc = {
  swcrc: false,
  sourceMaps: 'inline',
  module: { type: 'es6' },
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript', decorators: true },
    // Nest's injection reads the constructor types that these two leave behind.
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
};

export default {
  testMatch: ['**/*.spec.ts'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@baton/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', swc] },
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/\\.nx/', '<rootDir>/\\.baton/'],
  watchman: false,
  maxWorkers: 2,
  testSequencer: './libs/testing/jest/long-first.mjs',
  // On a busy machine taking a hundred module graphs down takes longer than half a second; what really stays is told all the same.
  workerGracefulExitTimeout: 10_000,
  // Brings up Postgres and NATS once for all integration specs, on first demand.
  globalSetup: './libs/testing/jest/global-setup.mjs',
  globalTeardown: './libs/testing/jest/global-teardown.mjs',
};

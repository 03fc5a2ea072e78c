import { afterAll, beforeAll, describe } from '@jest/globals';
import {
  keepsArtifactStoreContract,
  keepsDeadLettersContract,
  keepsDeadlinesContract,
  keepsEventLogContract,
  keepsLeasesContract,
  keepsWatermarksContract,
} from '@baton/testing';
import { testStores, type TestStores } from '../test/stores.ts';

/** The first spec of a run may have to wait for Postgres to be made. */
const SET_UP_MS_MAX = 60_000;

describe('the record in Postgres', () => {
  let stores: TestStores;
  beforeAll(async () => {
    stores = await testStores();
  }, SET_UP_MS_MAX);
  afterAll(() => stores.drop());

  const dispose = () => stores.empty();
  const withLog = async () => ({
    logs: [stores.open('intake').log, stores.open('intake').log] as const,
    reader: stores.open('relay').log,
    dispose,
  });
  keepsEventLogContract(withLog);
  keepsDeadlinesContract(withLog);
  keepsLeasesContract(async () => ({ leases: [stores.open('release').leases, stores.open('release').leases], dispose }));
  keepsWatermarksContract(async () => ({
    watermarks: [stores.open('planner').watermarks, stores.open('planner').watermarks],
    dispose,
  }));
  keepsDeadLettersContract(async () => ({ deadLetters: stores.open('planner').deadLetters, dispose }));
  keepsArtifactStoreContract(async () => ({ artifacts: stores.open('executor').artifacts, dispose }));
});

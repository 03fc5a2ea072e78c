import { describe, expect, it } from '@jest/globals';
import { withoutElsewhere, withoutOtherStacks } from './other-stacks.ts';

const kept = {
  PATH: '/usr/bin',
  BATON_HOME: 'home',
  BATON_LOG_LEVEL: 'debug',
  BATON_DRAIN_GRACE_MS: '500',
  BATON_POSTGRES_BIN: '/usr/lib/postgresql/bin',
  BATON_WORK_SLOTS: '1',
  BATON_SANDBOX: 'none',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
};
const elsewhere = {
  BATON_AUDITOR_PG_URL: 'postgres://auditor@elsewhere/baton',
  BATON_INTAKE_URL: 'https://intake.elsewhere',
  BATON_APPROVAL_URL: 'https://approval.elsewhere',
  BATON_NATS_URL: 'nats://elsewhere',
  BATON_CHECKPOINTS_DIR: '/elsewhere',
};
const own = {
  BATON_PG_URL: 'postgres://admin@elsewhere/baton',
  BATON_PG_ADMIN_URL: 'postgres://admin@elsewhere/baton',
  BATON_PG_PASSWORD_RELAY: 'of another stack',
  BATON_NATS_NKEY_SEED: 'of another stack',
  BATON_NKEY_SEED_PROVISIONER: 'of another stack',
  BATON_NATS_REPLICAS: '3',
  BATON_NATS_UNSYNCED: 'refuse',
  BATON_SEALER_KEY_FILE: '/elsewhere/sealer.key',
  BATON_POLICY_DIR: '/elsewhere/policy',
  BATON_TEMPLATES_DIR: '/elsewhere/templates',
  BATON_SOMETHING_NEW: 'not known to be harmless',
};

describe('the environment', () => {
  it('leads nowhere else where a home was named, and still says what that home is started with', () => {
    expect(withoutElsewhere({ ...kept, ...elsewhere, ...own })).toEqual({ ...kept, ...own });
  });
  it('says nothing of another stack to one of its own', () => {
    expect(withoutOtherStacks({ ...kept, ...elsewhere, ...own })).toEqual(kept);
  });
});

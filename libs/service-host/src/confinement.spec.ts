import { describe, expect, it } from '@jest/globals';
import { logger } from '@baton/telemetry';
import { z } from 'zod';
import { baseConfigSchema, readConfig } from './config.ts';
import { confinementConfig, openConfinement, sandboxOptions } from './confinement.ts';

const schema = z.object(confinementConfig);

describe('how agents are confined', () => {
  it('is as safe as the machine allows where nothing is said', () => {
    expect(sandboxOptions(readConfig(schema, {}))).toEqual({
      setting: 'preferred',
      network: 'none',
      readable: [],
      limits: {
        processes_max: 512,
        memory_bytes_max: 8 * 1024 ** 3,
        file_bytes_max: 1024 ** 3,
        output_bytes_max: 256 * 1024 ** 2,
      },
    });
  });

  it('takes lists of paths and of names', () => {
    const config = readConfig(schema, { BATON_SANDBOX_READABLE: '/opt/tools: /srv/x', BATON_SECRET_VARIABLES: 'ONE, TWO' });
    expect(config).toMatchObject({ BATON_SANDBOX_READABLE: ['/opt/tools', '/srv/x'], BATON_SECRET_VARIABLES: ['ONE', 'TWO'] });
  });

  it.each([
    ['BATON_SANDBOX', 'maybe'],
    ['BATON_SANDBOX_NETWORK', 'some'],
    ['BATON_SANDBOX_READABLE', 'relative/path'],
    ['BATON_SANDBOX_READABLE', '/'],
    ['BATON_RUN_PROCESSES_MAX', '1'],
    ['BATON_SECRET_VARIABLES', 'NOT-A-NAME'],
  ])('refuses %s=%s by name', (name, value) => {
    expect(() => readConfig(schema, { [name]: value })).toThrow(new RegExp(`${name} .*give `));
  });
});

describe('where agents and checks run', () => {
  it('is told in the log and on /readyz, and no credential of the service gets out', () => {
    const told: unknown[] = [];
    const tell = (...words: unknown[]): void => void told.push(words);
    const secrets = { BATON_PG_URL: 'postgres://baton_executor:hush@db/baton', BATON_NATS_NKEY_SEED: `SU${'A'.repeat(56)}` };
    const config = readConfig(baseConfigSchema.extend(confinementConfig), {
      ...secrets,
      BATON_NATS_URL: 'nats://bus:4222',
      BATON_SANDBOX: 'off',
      BATON_SECRET_VARIABLES: 'PLAIN_NAME',
    });
    const log = logger({ service: 'executor', level: 'trace', destination: { write: (line) => tell(JSON.parse(line)) } });
    const { sandbox, redactor } = openConfinement({ config, logger: log, note: tell }, { PLAIN_NAME: 'declared-to-be-secret' });
    expect(sandbox.mode).toBe('process-group');
    expect(told).toMatchObject([
      ['sandbox', 'process-group'],
      [{ level: 'warn', msg: 'sandbox-weaker', mode: 'process-group', because: expect.stringContaining('BATON_SANDBOX=off') }],
    ]);
    const said = ['declared-to-be-secret', ...Object.values(secrets)];
    expect(said.map(redactor.text)).toEqual(said.map(() => '[redacted]'));
  });
});

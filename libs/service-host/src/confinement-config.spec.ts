import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { readConfig } from './config.ts';
import { confinementConfig, sandboxOptions } from './confinement-config.ts';

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

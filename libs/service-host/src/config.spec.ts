import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { baseConfigSchema, ConfigError, readConfig } from './index.ts';

const enough = { BATON_PG_URL: 'postgres://baton_planner:hush@localhost/baton', BATON_NATS_URL: 'nats://localhost:4222' };
const faultsOf = (environment: Record<string, string>): string => {
  try {
    readConfig(baseConfigSchema, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

describe('settings', () => {
  const directory = mkdtempSync(join(tmpdir(), 'baton-config-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };

  it('need no more than where Postgres and NATS are', () => {
    expect(readConfig(baseConfigSchema, enough)).toMatchObject({
      ...enough,
      BATON_HTTP_HOST: '127.0.0.1',
      BATON_HTTP_PORT: 8080,
      BATON_LOG_LEVEL: 'info',
      BATON_DRAIN_GRACE_MS: 25_000,
      BATON_SWEEP_INTERVAL_MS: 500,
      OTEL_TRACES_EXPORTER: 'none',
    });
  });

  it('give each process a name of its own', () => {
    const [one, two] = [readConfig(baseConfigSchema, enough), readConfig(baseConfigSchema, enough)];
    expect(one.BATON_INSTANCE).toMatch(new RegExp(`^[\\w.-]+-${process.pid}-[0-9a-f]{8}$`));
    expect(two.BATON_INSTANCE).not.toBe(one.BATON_INSTANCE);
  });

  it('name every fault at once, each with its fix, and show no value', () => {
    const message = faultsOf({
      BATON_PG_URL: 'mysql://root:hush@db',
      BATON_HTTP_PORT: '80800',
      BATON_LOG_LEVEL: 'loud',
      BATON_SWEEP_INTERVAL_MS: 'soon',
    });
    expect(message.split('\n')).toEqual([
      '5 settings are not usable:',
      expect.stringMatching(/^ {2}BATON_PG_URL is not the URL of a Postgres database: give the URL/),
      expect.stringMatching(/^ {2}BATON_NATS_URL is not set: give the URL of the server/),
      expect.stringMatching(/^ {2}BATON_HTTP_PORT does not fit \(.*\): give a port/),
      expect.stringMatching(/^ {2}BATON_LOG_LEVEL does not fit \(.*\): give one of trace, debug/),
      expect.stringMatching(/^ {2}BATON_SWEEP_INTERVAL_MS does not fit \(.*\): give how often/),
    ]);
    expect(message).not.toContain('hush');
  });

  it('take an empty variable for one that is not set', () => {
    expect(readConfig(baseConfigSchema, { ...enough, BATON_HTTP_PORT: ' ', BATON_NATS_NKEY_SEED: '' })).toMatchObject({
      BATON_HTTP_PORT: 8080,
    });
    expect(faultsOf({ ...enough, BATON_PG_URL: '' })).toContain('BATON_PG_URL is not set');
  });

  it('may come from files, for secrets', () => {
    const { BATON_NATS_URL } = enough;
    expect(
      readConfig(baseConfigSchema, { BATON_NATS_URL, BATON_PG_URL_FILE: file('pg', `${enough.BATON_PG_URL}\n`) }),
    ).toMatchObject(enough);
    expect(faultsOf({ BATON_NATS_URL, BATON_PG_URL_FILE: join(directory, 'none') })).toMatch(
      /BATON_PG_URL cannot be read from .*none \(BATON_PG_URL_FILE\): ENOENT/,
    );
    expect(faultsOf({ BATON_NATS_URL, BATON_PG_URL_FILE: file('empty', '\n') })).toMatch(/BATON_PG_URL is empty/);
    expect(faultsOf({ ...enough, BATON_PG_URL_FILE: file('both', 'x') })).toMatch(
      /BATON_PG_URL and BATON_PG_URL_FILE are both set/,
    );
  });

  it('of a service are added to those of all', () => {
    const schema = baseConfigSchema.extend({
      BATON_EXECUTOR_SLOTS: z.coerce.number().int().min(1).default(2).describe('give how many attempts run at once'),
    });
    expect(readConfig(schema, enough).BATON_EXECUTOR_SLOTS).toBe(2);
    expect(() => readConfig(schema, { ...enough, BATON_EXECUTOR_SLOTS: '0' })).toThrow(
      /one setting is not usable:\n {2}BATON_EXECUTOR_SLOTS .*give how many attempts run at once$/,
    );
  });
});

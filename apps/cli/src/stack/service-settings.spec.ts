import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { handedOn, isLimit, unusedSettings, withWholePaths } from './service-settings.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const rules = { BATON_POLICY_DIR: 'strict', BATON_TEMPLATES_DIR: '/srv/templates' };
const limits = {
  BATON_GIT_TIMEOUT_MS: '60000',
  BATON_AGENT_KILL_GRACE_MS: '100',
  BATON_SANDBOX: 'require',
  BATON_SANDBOX_READABLE: '/opt/tools',
  BATON_RELAY_POLL_MS: '50',
  OTEL_TRACES_SAMPLER_ARG: '0.1',
};
const servers = { BATON_PG_URL: 'postgres://admin@db/baton', BATON_NATS_UNSYNCED: 'refuse' };
const machine = { PATH: '/usr/bin', BATON_HOME: 'home', BATON_ACTOR: 'ada', BATON_NATS_SERVER_BIN: '/usr/bin/nats-server' };
const unheard = {
  BATON_POLICY_DIRECTORY: 'strict',
  BATON_SANDBOX_NETWROK: 'none',
  BATON_RUN_MEMORY_MAX: '1',
  BATON_HTTP_PORT: '1',
  BATON_INTAKE_URL: 'https://intake.elsewhere',
};

describe('the settings of services', () => {
  it('are those that whoever starts a stack may set', () => {
    expect(handedOn({ ...rules, ...limits, ...servers, ...machine, ...unheard })).toEqual({ ...rules, ...limits });
  });

  it('are all that services read, by the names under which they read them', () => {
    const configs = globSync('{apps/*/src/config.ts,libs/service-host/src/*.ts}', { cwd: ROOT });
    const read = configs
      .filter((file) => !file.startsWith(join('apps', 'cli')) && !file.endsWith('.spec.ts'))
      .flatMap((file) => readFileSync(join(ROOT, file), 'utf8').match(/(?<=^ +)BATON_[A-Z_]+(?=:)/gm) ?? []);
    const limits = read.filter((name) => /^BATON_(AGENT_|RELAY_|RUN_|SANDBOX|SEAL_|GIT_|WORK_SLOTS|SWEEP_|SECRET_)/.test(name));
    expect(limits.length).toBeGreaterThan(10);
    expect(limits.filter((name) => !isLimit(name))).toEqual([]);
  });

  it('name directories from where they were typed', () => {
    expect(withWholePaths({ ...rules, ...machine }, '/home/ada')).toEqual({
      ...rules,
      ...machine,
      BATON_POLICY_DIR: '/home/ada/strict',
    });
    expect(withWholePaths({ BATON_POLICY_DIR: '' }, '/home/ada')).toEqual({ BATON_POLICY_DIR: '' });
  });

  it('are told of where they come to nothing', () => {
    const all = { ...rules, ...limits, ...servers, ...machine, ...unheard };
    expect(unusedSettings({ ...all, BATON_EMPTY: '' }, false)).toEqual(Object.keys(unheard).toSorted());
    expect(unusedSettings(all, true)).toEqual(expect.arrayContaining(['BATON_POLICY_DIR', 'BATON_SANDBOX', 'BATON_PG_URL']));
    expect(unusedSettings(machine, true)).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { handedOn, unusedSettings, withWholePaths } from './service-settings.ts';

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
const unheard = { BATON_POLICY_DIRECTORY: 'strict', BATON_HTTP_PORT: '1', BATON_INTAKE_URL: 'https://intake.elsewhere' };

describe('the settings of services', () => {
  it('are those that whoever starts a stack may set', () => {
    expect(handedOn({ ...rules, ...limits, ...servers, ...machine, ...unheard })).toEqual({ ...rules, ...limits });
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

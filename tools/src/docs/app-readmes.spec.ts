import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SERVICE_NAMES, isBusUser, type ServiceName } from '@baton/contracts';
import { baseConfigSchema, confinementConfig, logConfigSchema } from '@baton/service-host';
import { describe, expect, it } from '@jest/globals';
import { allAlerts } from '../deploy/alerts.ts';
import { untoldAlerts, untrueReadme } from './app-readmes.ts';

const REPOSITORY = dirname(dirname(dirname(import.meta.dirname)));
const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');
const readme = (service: ServiceName): string => read(`apps/${service}/README.md`);
const alerts = allAlerts().map(({ alert }) => alert);

/** All but the one that is for tests only. */
const sharedBy = (service: ServiceName): readonly string[] =>
  Object.keys((isBusUser(service) ? baseConfigSchema : logConfigSchema).shape).filter((name) => name !== 'BATON_FAILPOINT');
function settingsOf(service: ServiceName): readonly string[] {
  const text = read(`apps/${service}/src/config.ts`);
  const confinement = text.includes('...confinementConfig') ? Object.keys(confinementConfig) : [];
  return [...sharedBy(service), ...confinement, ...(text.match(/\bBATON_[A-Z_]+(?=:)/g) ?? [])];
}
const untrue = (service: ServiceName, text: string): readonly string[] =>
  untrueReadme(service, text, { settings: settingsOf(service), alerts });

describe('the README of a service', () => {
  it.each(SERVICE_NAMES)('of %s is true', (service) => {
    expect(untrue(service, readme(service))).toEqual([]);
  });

  it('of one or another tells of every alert', () => {
    expect(untoldAlerts(SERVICE_NAMES.map(readme), alerts)).toEqual([]);
    expect(untoldAlerts(SERVICE_NAMES.map(readme), ['BatonGone'])).toEqual(['BatonGone']);
  });

  it.each([
    ['MissionAccepted, Mission', 'MissionStarted, Mission', 'Consumes, planner-react, does not name MissionAccepted'],
    ['MissionAccepted, Mission', 'MissionStarted, Mission', 'Consumes, planner-react, names MissionStarted, which is not so'],
    ['TaskReady, TaskAccepted', 'TaskAccepted', 'Emits does not name TaskReady'],
    ['TaskReady, TaskAccepted', 'TaskReady, TaskMade, TaskAccepted', 'Emits names TaskMade, which is not so'],
    ['`BATON_TEMPLATES_DIR`', '`BATON_TEMPLATE_DIR`', 'Env does not name BATON_TEMPLATES_DIR'],
    ['`BATON_TEMPLATES_DIR`', '`BATON_TEMPLATE_DIR`', 'Env names BATON_TEMPLATE_DIR, which is not so'],
    ['`BatonNoProgress`', '`BatonNoHaste`', 'Alerts names BatonNoHaste, which no rule has'],
  ])('is found out where %s stands as %s', (real, planted, problem) => {
    const text = readme('planner');
    expect(text).toContain(real);
    expect(untrue('planner', text.replace(real, planted))).toContain(`apps/planner/README.md: ${problem}`);
  });
});

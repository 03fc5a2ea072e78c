import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { CATALOGUE } from '@baton/telemetry';
import { describe, expect, it } from '@jest/globals';

import { DEPLOY, type Alert, alertFaults, allAlerts, commandFaults, slugOf } from './alerts.ts';
import { unknownMetrics } from './metric-names.ts';

const read = (path: string): string | undefined =>
  existsSync(join(DEPLOY, path)) ? readFileSync(join(DEPLOY, path), 'utf8') : undefined;
const alerts = allAlerts();

describe('the alerts', () => {
  it('tell a tired person what it means and what to do, and are tested both ways', () => {
    expect(alerts.length).toBeGreaterThan(0);
    expect(alerts.flatMap((alert) => alertFaults(alert, read))).toEqual([]);
  });

  it('name only metrics that are in the catalogue', () => {
    expect(alerts.flatMap(({ expr }) => unknownMetrics(expr, Object.values(CATALOGUE)))).toEqual([]);
  });

  it.each(['runbooks', 'prometheus/tests'])('have no file left over in %s', (directory) => {
    // What an operator does after a loss (`rebuild-…`) is done on purpose, whatever alert led there.
    const slugs = readdirSync(join(DEPLOY, directory))
      .map((file) => file.replace(/\.(md|yaml)$/, ''))
      .filter((slug) => !slug.startsWith('rebuild-'));
    expect(slugs.toSorted()).toEqual(alerts.map(({ alert }) => slugOf(alert)).toSorted());
  });
});

describe('the runbooks', () => {
  const runbooks = readdirSync(join(DEPLOY, 'runbooks'));
  it('have commands that work as they stand', () => {
    expect(runbooks.flatMap((file) => commandFaults(file, read(join('runbooks', file)) ?? ''))).toEqual([]);
    expect(runbooks.map((file) => read(join('runbooks', file))).join('')).toContain('kubectl -n baton');
  });
  it.each([
    ['Look at `docker compose ps` first.', '--env-file deploy/docker/.env'],
    ['```sh\nmake it | kubectl apply -f -\n```', '-n baton'],
    ['`nats stream rm BATON_EVENTS`', '--inbox-prefix'],
  ])('are found out where %j would fail', (text, needs) => {
    expect(commandFaults('some.md', text)).toEqual([expect.stringContaining(`needs ${needs}`)]);
  });
});

describe('the check of alerts', () => {
  const sound: Alert = { alert: '', expr: '', ...alerts[0] };
  const { description: _, ...undescribed } = sound.annotations ?? {};
  const tests = (path: string): string | undefined => (path.startsWith('prometheus/') ? 'tests: []' : read(path));
  it.each<readonly [string, Alert, typeof read, string]>([
    ['no severity', { ...sound, labels: {} }, read, 'severity'],
    ['no description', { ...sound, annotations: undescribed }, read, 'description'],
    ['a runbook elsewhere', { ...sound, annotations: { ...sound.annotations, runbook_url: 'elsewhere' } }, read, 'runbook_url'],
    ['no runbook', sound, (path) => (path.startsWith('runbooks/') ? undefined : read(path)), 'lacks'],
    ['no test', sound, (path) => (path.startsWith('prometheus/') ? undefined : read(path)), 'is missing'],
    ['a test that proves nothing', sound, tests, 'no test in which it fires'],
  ])('reports %s', (_name, alert, reading, said) => {
    expect(alertFaults(alert, reading).join('\n')).toContain(said);
  });
});

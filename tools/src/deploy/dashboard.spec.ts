import { readFileSync } from 'node:fs';

import { CATALOGUE } from '@baton/telemetry';
import { describe, expect, it } from '@jest/globals';

import { DASHBOARD_FILE, DASHBOARD_UID, dashboard, dashboardJson } from './dashboard.ts';
import { ROWS } from './dashboard-panels.ts';
import { unknownMetrics } from './metric-names.ts';

const catalogue = Object.values(CATALOGUE);
const queries = ROWS.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr)));

interface Shown {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
  readonly fieldConfig?: { readonly defaults: object };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
}

describe('the dashboard', () => {
  const shown = dashboard().panels as readonly Shown[];

  it('is committed as it is made', () => {
    expect(readFileSync(DASHBOARD_FILE, 'utf8')).toBe(dashboardJson());
  });

  it('keeps its uid, and takes its data source from a variable', () => {
    expect(dashboard().uid).toBe(DASHBOARD_UID);
    expect(shown.filter(({ type, datasource }) => type !== 'row' && datasource?.uid !== '$datasource')).toEqual([]);
  });

  it('has panels with ids of their own that do not lie on each other', () => {
    expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    const cells = shown.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('shows the share of gates that needed a person against the band that is meant', () => {
    const share = shown.find(({ title }) => title === 'Share decided by people');
    expect(share?.fieldConfig?.defaults).toMatchObject({
      unit: 'percentunit',
      thresholds: { mode: 'absolute', steps: [{ value: null }, { color: 'green', value: 0.1 }, { value: 0.15 }] },
    });
  });

  it('names only metrics that are in the catalogue', () => {
    expect(queries.flatMap((expr) => unknownMetrics(expr, catalogue))).toEqual([]);
  });

  it('shows every metric of the catalogue', () => {
    const text = queries.join('\n');
    expect(catalogue.map(({ name }) => name).filter((name) => !text.includes(name))).toEqual([]);
  });
});

describe('the check of metric names', () => {
  it('reports a metric nobody declared, and a histogram that is not named by its series', () => {
    expect(unknownMetrics('rate(baton_misions_total[5m])', catalogue)).toEqual(['baton_misions_total']);
    expect(unknownMetrics('baton_step_seconds + baton_step_seconds_sum', catalogue)).toEqual(['baton_step_seconds']);
  });
});

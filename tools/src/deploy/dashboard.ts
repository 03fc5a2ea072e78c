/** `deploy/grafana/dashboards/baton.json` is what this makes of the panels. Run: node tools/src/deploy/dashboard.ts */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROWS } from './dashboard-panels.ts';
import type { Panel } from './dashboard-query.ts';

export const DASHBOARD_FILE = join(import.meta.dirname, '../../../deploy/grafana/dashboards/baton.json');
/** Links to the dashboard hold it, so it never changes. */
export const DASHBOARD_UID = 'baton-overview';

const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const;
const GRID_COLUMNS = 24;
const PANEL_WIDTH = 6;
const PANEL_HEIGHT = 8;

export function dashboard(): Readonly<Record<string, unknown>> {
  return {
    uid: DASHBOARD_UID,
    title: 'Baton',
    description: 'From mission to landed change: flow, steps, log and bus, services.',
    tags: ['baton'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    templating: { list: [{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1 }] },
    annotations: { list: [] },
    panels: panels(),
  };
}

function panels(): readonly object[] {
  let id = 0;
  let y = 0;
  return ROWS.flatMap(({ title, panels: inRow }) => {
    const row = { id: ++id, type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: GRID_COLUMNS, h: 1 } };
    const shown = inRow.map((panel, index) => {
      const across = (index * PANEL_WIDTH) % GRID_COLUMNS;
      const down = Math.floor((index * PANEL_WIDTH) / GRID_COLUMNS) * PANEL_HEIGHT;
      return shownPanel(panel, ++id, { x: across, y: y + 1 + down, w: PANEL_WIDTH, h: PANEL_HEIGHT });
    });
    y += 1 + Math.ceil((inRow.length * PANEL_WIDTH) / GRID_COLUMNS) * PANEL_HEIGHT;
    return [row, ...shown];
  });
}

function shownPanel(panel: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: panel.kind,
    title: panel.title,
    description: panel.description,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: {
      defaults: {
        unit: panel.unit,
        min: 0,
        ...(panel.steps && { color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps: panel.steps } }),
      },
      overrides: [],
    },
    options:
      panel.kind === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'], values: false }, colorMode: 'value', graphMode: 'area' }
        : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: panel.queries.map(({ expr, legend }, index) => ({
      refId: String.fromCodePoint('A'.codePointAt(0)! + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}

/** What Grafana puts for its own variable, when it has data for a few seconds only. */
const RATE_INTERVAL = '1m';

export interface Expression {
  readonly panel: string;
  readonly expr: string;
  readonly after_one_mission: boolean;
}

/** Every query as Prometheus gets it. */
export const queryExpressions = (): readonly Expression[] =>
  ROWS.flatMap((row) =>
    row.panels.flatMap(({ title, queries }) =>
      queries.map(({ expr, legend, after_one_mission }) => ({
        panel: `${title} / ${legend}`,
        expr: expr.replaceAll('$__rate_interval', RATE_INTERVAL),
        after_one_mission,
      })),
    ),
  );

export const dashboardJson = (): string => `${JSON.stringify(dashboard(), null, 2)}\n`;

if (import.meta.main) writeFileSync(DASHBOARD_FILE, dashboardJson());

/** What the dashboard shows of gates: how they were decided, how often people are asked, and who waits for an answer. */
import { always, folded, inTrouble, type Row } from './dashboard-query.ts';

export const decisions: Row = {
  title: 'Decisions',
  panels: [
    {
      title: 'Gates',
      description: 'Decided gates by tier and outcome.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('{{tier}} {{outcome}}', folded('tier, outcome', 'baton_gates_total'))],
    },
    {
      title: 'Share decided by people',
      description: 'Of all decided gates. 10 to 15 % is the band to keep to: more wears people out, less asks too rarely.',
      kind: 'stat',
      unit: 'percentunit',
      steps: [
        { color: 'blue', value: null },
        { color: 'green', value: 0.1 },
        { color: 'orange', value: 0.15 },
      ],
      queries: [
        inTrouble(
          'share',
          `sum(${folded('tier, outcome', 'baton_gates_total{tier="gate"}')}) / sum(${folded('tier, outcome', 'baton_gates_total')})`,
        ),
      ],
    },
    {
      title: 'Cards open',
      description: 'Missions that wait for the decision of a person.',
      kind: 'timeseries',
      unit: 'short',
      queries: [always('open', 'max(baton_gates_open)')],
    },
    {
      title: 'Oldest open card',
      description: 'How long it has waited; a day after it was opened it expires, and its mission fails.',
      kind: 'stat',
      unit: 's',
      queries: [inTrouble('open for', 'time() - max(baton_oldest_gate_opened_seconds)')],
    },
  ],
};

/** What a task costs when its mission has many: the scripted agent, no repository, no task waits for another. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runLoad } from '../load.ts';
import { stackHome } from '../stack.ts';
import { sized, type Figure, type Part } from './figure.ts';
import { driving, onHome } from './grown.ts';

const SIZES = [
  { tasks: 1, missions: 500 },
  { tasks: 10, missions: 100 },
  { tasks: 100, missions: 20 },
] as const;
const TASKS_IN_FLIGHT = 100;
const MISSION_MS_MAX = 300_000;

const TEMPLATES = resolve(import.meta.dirname, '../../../apps/planner/templates');
/** Each task writes below a directory of its own, so that none has to wait for another. */
const TEMPLATE = `baton: template/v1
name: parts
version: 1
owner: bench
parameters:
  parts: { kind: list }
tasks:
  - id: part-\${part}
    for_each: { part: parts }
    title: '\${title}: \${part}'
    instructions: \${objective}
    write_set: ['part-\${part}/**']
`;

export const tasks: Part = {
  name: 'tasks',
  run: async (options) => {
    const home = await stackHome();
    return onHome(home, async () => {
      const templates = join(home.directory, 'templates');
      await mkdir(home.directory, { recursive: true });
      await cp(TEMPLATES, templates, { recursive: true });
      await writeFile(join(templates, 'parts.yaml'), TEMPLATE);
      const settings = { services: { planner: { env: { BATON_TEMPLATES_DIR: templates } } } };
      await writeFile(join(home.directory, 'parts.json'), JSON.stringify(settings));
      const stack = await home.up();
      const figures: Figure[] = [];
      for (const { tasks: each, missions } of SIZES) {
        const parts = Array.from({ length: each }, (_, nth) => `p${String(nth)}x`);
        const contract = { template: 'parts@1', parameters: { parts } };
        const total = sized(missions, options);
        const in_flight = Math.max(1, TASKS_IN_FLIGHT / each);
        const seconds = await driving(stack, { contract, mission_ms_max: MISSION_MS_MAX }, async ({ mission }) => {
          await runLoad(mission, { name: 'warm_up', total: Math.ceil(total / 4), in_flight });
          return (await runLoad(mission, { name: 'tasks', total, in_flight })).seconds;
        });
        const [one] = figures;
        figures.push({
          scenario: `missions of ${String(each)} ${each === 1 ? 'task' : 'tasks'}, ${String(TASKS_IN_FLIGHT)} tasks in flight`,
          figure: (total * each) / seconds,
          unit: 'tasks/s',
          ...(one && { limit: one.figure }),
          better: 'more',
          limit_is: one
            ? 'missions of one task: a task costs no more among many'
            : 'none: what the larger missions are held against',
        });
      }
      return figures;
    });
  },
};

/** The planner process: cuts missions into tasks and hands them out. */
import 'reflect-metadata';
import { runService } from '@baton/service-host';
import { readPlannerConfig } from './config.ts';
import { PlannerModule } from './planner.module.ts';

await runService({ name: 'planner', config: readPlannerConfig, module: PlannerModule });

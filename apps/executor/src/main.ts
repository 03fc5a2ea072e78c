/** The executor process: has tasks worked on and brings back evidence. */
import 'reflect-metadata';
import { runService } from '@baton/service-host';
import { readExecutorConfig } from './config.ts';
import { ExecutorModule } from './executor.module.ts';

await runService({ name: 'executor', config: readExecutorConfig, module: ExecutorModule });

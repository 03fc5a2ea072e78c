/** The metrics process: folds every event into delivery metrics; emits none. */
import 'reflect-metadata';
import { runService } from '@baton/service-host';
import { readMetricsConfig } from './config.ts';
import { MetricsModule } from './metrics.module.ts';

await runService({ name: 'metrics', config: readMetricsConfig, module: MetricsModule });

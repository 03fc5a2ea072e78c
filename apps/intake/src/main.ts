/** The intake process: takes requests in and closes missions. */
import 'reflect-metadata';
import { runService } from '@baton/service-host';
import { readIntakeConfig } from './config.ts';
import { IntakeModule } from './intake.module.ts';

await runService({ name: 'intake', config: readIntakeConfig, module: IntakeModule });

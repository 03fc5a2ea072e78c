/** The reviewer process: judges attempts by their evidence. */
import 'reflect-metadata';
import { runService } from '@baton/service-host';
import { readReviewerConfig } from './config.ts';
import { ReviewerModule } from './reviewer.module.ts';

await runService({ name: 'reviewer', config: readReviewerConfig, module: ReviewerModule });

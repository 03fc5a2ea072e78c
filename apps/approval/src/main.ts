/** The approval process: asks policy and people. */
import 'reflect-metadata';
import { runService } from '@baton/service-host';
import { readApprovalConfig } from './config.ts';
import { ApprovalModule } from './approval.module.ts';

await runService({ name: 'approval', config: readApprovalConfig, module: ApprovalModule });

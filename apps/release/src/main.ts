/** The release process: integrates, tests and lands. */
import 'reflect-metadata';
import { runService } from '@baton/service-host';
import { readReleaseConfig } from './config.ts';
import { ReleaseModule } from './release.module.ts';

await runService({ name: 'release', config: readReleaseConfig, module: ReleaseModule });

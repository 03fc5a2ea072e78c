/** The relay process: copies the log to the bus, in order; knows no business. */
import 'reflect-metadata';
import { runService } from '@baton/service-host';
import { readRelayConfig } from './config.ts';
import { RelayModule } from './relay.module.ts';

await runService({ name: 'relay', config: readRelayConfig, module: RelayModule });

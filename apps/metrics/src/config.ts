/** What the environment may say; the only reader of it in this service. */
import process from 'node:process';
import { logConfigSchema, readConfig, type BaseConfig } from '@baton/service-host';

export const readMetricsConfig = (): BaseConfig => readConfig(logConfigSchema, process.env);

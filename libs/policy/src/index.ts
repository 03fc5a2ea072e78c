import { join } from 'node:path';

export { cedarPolicy } from './cedar-policy.ts';
export { type Bundle } from './bundle.ts';

/** The bundle that ships with Baton; a team puts its own in its place. */
export const DEFAULT_BUNDLE = join(import.meta.dirname, '../bundles/default');

/** Digest of a value's content: the same content has the same digest, whatever the order of its keys. */
import { hash } from 'node:crypto';
import { canonicalJson } from '@baton/contracts';

export const digestOf = (value: unknown): string => `sha256:${hash('sha256', canonicalJson(value), 'hex')}`;

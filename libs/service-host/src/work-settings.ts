/** The settings of a service that does long work in workspaces; what differs between them is its own directory and how much fits side by side. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

export const workDirectorySetting = (name: string) =>
  z.string().min(1).default(join(tmpdir(), name)).describe('give a directory for clones and workspaces, on a disk with room');

export const workSlotsSetting = (by_default: number, what: string) =>
  z.coerce.number().int().min(1).max(1_000).default(by_default).describe(`give how many ${what} may run side by side, 1 to 1000`);

export const gitTimeoutSetting = z.coerce
  .number()
  .int()
  .min(1_000)
  .max(3_600_000)
  .default(120_000)
  .describe('give how long one git command may take, in ms');

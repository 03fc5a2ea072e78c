/** Every guard that a test must hold. A new guard gets its row here. */
import type { Guard } from '../guard.ts';
import { agentGuards } from './agents.ts';
import { busGuards } from './bus.ts';
import { decisionGuards } from './decisions.ts';
import { handlingGuards } from './handling.ts';
import { recordGuards } from './record.ts';

export const GUARDS: readonly Guard[] = [...recordGuards, ...busGuards, ...handlingGuards, ...decisionGuards, ...agentGuards];

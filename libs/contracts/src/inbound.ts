/** What outsiders may ask for by event; the HTTP edges take the same bodies. */
import { z } from 'zod';

export const IDEMPOTENCY_KEY_CHARS_MAX = 200;
export const PERSON_CHARS_MAX = 200;
/** In one of the forms that Unicode has for one text: what looks the same is the same, whichever keyboard or program wrote it. */
const named = (chars_max: number) => z.string().trim().normalize('NFC').min(1).max(chars_max);
const key = named(IDEMPOTENCY_KEY_CHARS_MAX);
const person = named(PERSON_CHARS_MAX);
/** As Baton makes them: what else is asked for cannot exist, and must not become the name of a stream. */
export const missionIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, 'is not the id of a mission: use letters, digits, _ and - (at most 100)');

export const submitMissionSchema = z.object({
  /** The same key is the same mission, over HTTP and over events, for ever. */
  idempotency_key: key,
  /** Who asks, as the policy and the card name them. */
  requested_by: person,
  /** A [MissionContract](events.md#missioncontract); intake checks it, so that every fault is named at once. */
  contract: z.unknown(),
});
export type SubmitMission = z.infer<typeof submitMissionSchema>;

export const cancelMissionSchema = z.object({
  /** As `baton list` shows it, in full. */
  mission_id: missionIdSchema,
  /** Who cancels. */
  by: person,
  /** What the timeline says about it. */
  reason: z.string().max(1_000).default(''),
});
export type CancelMission = z.infer<typeof cancelMissionSchema>;

export const answerGateSchema = z.object({
  /** Of the card, as `baton approvals` shows it, in full. */
  mission_id: missionIdSchema,
  /** Of the card: the number behind the dot. */
  revision: z.number().int().min(1),
  /** Of what the person was shown; a card whose content changed since is refused. */
  content_digest: z.string().max(200),
  /** The first answer counts. */
  answer: z.enum(['approve', 'deny']),
  /** Who answers; the policy may want somebody other than who asked for the change. */
  by: person,
  /** Where they were asked, such as the name of a chat. */
  channel: z.string().max(50).default('event'),
  /** What the timeline says about it. */
  reason: z.string().max(1_000).default(''),
});
export type AnswerGate = z.infer<typeof answerGateSchema>;

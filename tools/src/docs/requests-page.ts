// docs/requests.md: what can be asked for over JetStream, how it is sent, and what comes of it.
import {
  INBOUND,
  INBOUND_STREAM,
  PRINCIPALS,
  PRIVILEGES,
  STREAMS,
  answerGateSchema,
  cancelMissionSchema,
  inboundType,
  submitMissionSchema,
  subjectOf,
  type EventType,
  type InboundName,
} from '@baton/contracts';
import type { z } from 'zod';
import type { DocComments } from './doc-comments.ts';
import { GENERATED, bytes, code, duration, table } from './markdown.ts';
import { fieldTable, typeSections } from './schema-types.ts';

interface Described {
  /** As the contracts export it: its comments are found by this name. */
  readonly exported: string;
  readonly schema: z.ZodObject;
  readonly answered: readonly EventType[];
  /** Refused without an event, and why. */
  readonly refused: string;
}

export const REQUESTS: Readonly<Record<InboundName, Described>> = {
  SubmitMission: {
    exported: 'submitMissionSchema',
    schema: submitMissionSchema,
    answered: ['MissionAccepted', 'MissionRejected'],
    refused: 'the key was used for other content',
  },
  CancelMission: {
    exported: 'cancelMissionSchema',
    schema: cancelMissionSchema,
    answered: ['MissionCancelRequested'],
    refused: 'there is no such mission, or it has ended',
  },
  AnswerGate: {
    exported: 'answerGateSchema',
    schema: answerGateSchema,
    answered: ['ApprovalGranted', 'ApprovalDenied'],
    refused:
      'there is no such card, its content is another one by now, somebody has decided already, it has expired, or the policy wants somebody other than who asked for the change',
  },
};

/** A header, and what stands in it. Nothing of it is needed but by whoever wants to find a request again. */
const HEADERS: readonly (readonly [string, string])[] = [
  ['Nats-Msg-Id', 'an id of the sender: the same within the window of the stream is the same message, and is kept once'],
  ['ce-id', 'the same id: by it the log of the service names what it refuses. Percent-encoded where it is not printable ASCII'],
  ['ce-type', 'the type below. A service puts aside what is of another version; who says no type means the one below'],
  ['ce-subject', 'the id of the mission: what has the same is handled in order'],
  ['ce-specversion', '`1.0`'],
  ['ce-source', 'who sends, as a path or URL'],
  ['ce-datacontenttype', '`application/json`'],
  ['ce-time', 'when it was sent, as in RFC 3339'],
  ['ce-traceparent', 'trace context of the sender (W3C); plain `traceparent` is taken as well'],
];

export function requestsPage(comments: DocComments, example: string): string {
  const used = new Set<string>();
  return [
    '# Requests from outside, over JetStream',
    '',
    GENERATED('libs/contracts/src/inbound.ts, libs/contracts/src/topology.ts and examples/over-the-bus/send.mjs'),
    '',
    'Over HTTP the edges of [intake](../apps/intake/README.md) and [approval](../apps/approval/README.md) take the same requests and answer each. Over the bus',
    'nobody answers: the sender learns that a request is kept, and what came of it from the events.',
    '',
    ...sending(example),
    ...whatComes(),
    ...(Object.keys(INBOUND) as InboundName[]).flatMap((name) => request(name, comments, used)),
    '## Types',
    '',
    ...typeSections(used, comments),
  ].join('\n');
}

function sending(example: string): string[] {
  const { max_msg_bytes, duplicate_window_ms, max_age_ms } = STREAMS[INBOUND_STREAM];
  const users = PRINCIPALS.filter((name) => (PRIVILEGES[name].bus as readonly string[]).includes('publish-inbound'));
  return [
    '## Sending one',
    '',
    `The body is one JSON object of at most ${bytes(max_msg_bytes)}, published to the subject of the request with an acknowledgement of JetStream: that says that ${code(INBOUND_STREAM)} has`,
    `kept it (for ${duration(max_age_ms)} at most), and not that anybody has decided. The same ${code('Nats-Msg-Id')} within ${duration(duplicate_window_ms)} is kept once.`,
    '',
    `The user of the bus that may do so is ${users.map(code).join(', ')}. It logs in with its nkey and hears answers below ${users.map((name) => code(`_INBOX_${name}.>`)).join(', ')} only, which the client has to be told`,
    '(`inboxPrefix`). Its seed: on a laptop `.baton/secrets.json`, with compose `BATON_NKEY_SEED_CLI` as `deploy/docker/make-secrets.ts` writes it, on Kubernetes the secret `baton-cli`.',
    '',
    ...table(
      ['header', ''],
      HEADERS.map(([name, what]) => [code(name), what]),
    ),
    '',
    'No header is needed. A CloudEvent in structured mode (`Content-Type: application/cloudevents+json`, the request as its `data`) is taken as well.',
    '',
    'With a stack on this machine (`npm run baton -- up`):',
    '',
    '```sh',
    'export BATON_NATS_URL="$(node -p "require(\'./.baton/stack.json\').nats_url")"',
    'export BATON_NATS_NKEY_SEED="$(node -p "require(\'./.baton/secrets.json\').nkeys.cli.seed")"',
    `node examples/over-the-bus/send.mjs ${INBOUND.SubmitMission.subject} hello-1 < examples/over-the-bus/submit-mission.json`,
    'npm run baton -- list',
    '```',
    '',
    '[`send.mjs`](../examples/over-the-bus/send.mjs):',
    '',
    '```js',
    example.trimEnd(),
    '```',
    '',
  ];
}

const whatComes = (): string[] => [
  '## What comes of it',
  '',
  '- **Taken**: the events named below, on the bus and in the log. The id of a mission follows from its key, as in `send.mjs`.',
  '- **The same again**: nothing. One key is one mission, on all ways in and for ever.',
  '- **Refused**: no event and no answer. The service logs `request-refused` (level `warn`) with `name`, the `id` of the request (its `ce-id`), `stream` and `reason`.',
  '- **Not to be read** (no JSON, a field is missing or wrong, another version): a dead letter with its cause, `baton deadletters`.',
  '',
];

function request(name: InboundName, comments: DocComments, used: Set<string>): string[] {
  const { exported, schema, answered, refused } = REQUESTS[name];
  return [
    `## ${name}`,
    '',
    `Subject ${code(INBOUND[name].subject)}, type ${code(inboundType(name))}, decided by **${INBOUND[name].service}**.`,
    '',
    ...fieldTable(schema, exported, comments, used, 'input'),
    '',
    `Taken, it leads to ${answered.map((type) => `[${type}](events.md#${type.toLowerCase()}) (${code(subjectOf(type))})`).join(' or ')}. Refused where ${refused}.`,
    '',
  ];
}

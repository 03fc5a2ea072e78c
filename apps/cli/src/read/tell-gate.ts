/** Decisions as sentences: what was asked, by which rule, and who answered. */
import type { EventRecord, GateEvent } from '@baton/contracts';
import { never } from '@baton/domain';
import { oneLine, shortHash } from '../format.ts';
import { changeOf } from './card.ts';
import { content, told, type Told } from './told.ts';

export function tellGate(event: EventRecord<GateEvent>): Told {
  switch (event.type) {
    case 'GateOpened': {
      const { card, policy, revision, content_digest } = event.data;
      return told(
        event,
        `asks for a decision on revision ${String(revision)} (risk ${card.risk})`,
        [`policy ${policy.id}@${policy.version}, rule ${policy.rule}`, `content ${shortHash(content_digest)}: ${changeOf(card)}`],
        'attention',
      );
    }
    case 'GatePassed':
      return told(
        event,
        `the gate is passed (${event.data.tier})`,
        [`policy ${event.data.policy.id}@${event.data.policy.version}, rule ${event.data.policy.rule}`],
        'good',
      );
    case 'ApprovalGranted':
      return told(
        event,
        `approved by ${event.data.by.id} over ${event.data.channel}`,
        [content(event.data.content_digest)],
        'good',
      );
    case 'ApprovalDenied':
      return told(
        event,
        `denied by ${event.data.by.id} over ${event.data.channel}${event.data.reason === '' ? '' : `: ${oneLine(event.data.reason)}`}`,
        [],
        'bad',
      );
    case 'GateExpired':
      return told(event, 'nobody answered the decision card in time', [], 'bad');
    case 'GateSuperseded':
      return told(event, `the decision card is void: ${oneLine(event.data.reason)}`, [], 'attention');
    default:
      return never(event);
  }
}

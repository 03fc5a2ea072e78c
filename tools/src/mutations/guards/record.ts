/** What keeps the record right: versions, rights, ids, the chain of hashes, leases. */
import type { Guard } from '../guard.ts';

const LOG = 'libs/event-store/src/migrations/1-log.ts';
const APPEND = 'libs/event-store/src/migrations/2-append.ts';
const WORK = 'libs/event-store/src/migrations/3-work.ts';
const CHAIN = 'libs/event-store/src/hash-chain.ts';
const CONTRACT_SPEC = 'libs/event-store/src/postgres-event-log.int.spec.ts';
const RIGHTS_SPEC = 'libs/event-store/src/rights.int.spec.ts';
const CHAIN_SPEC = 'libs/event-store/src/hash-chain.spec.ts';

const TRIGGER = 'BEFORE UPDATE OR DELETE OR TRUNCATE ON baton.events';
const triggerWithout = (name: string, off: string): Guard => ({
  name: `${name} of events is refused`,
  promise: 'P2',
  file: LOG,
  text: TRIGGER,
  off,
  spec: RIGHTS_SPEC,
  test: 'stop even the superuser and the owner by a trigger',
});

export const recordGuards: readonly Guard[] = [
  {
    name: 'append compares the expected version',
    promise: 'G4',
    file: APPEND,
    text: 'ELSIF p_expected[i] = v_version THEN',
    off: 'ELSIF p_expected[i] >= 0 THEN',
    spec: CONTRACT_SPEC,
    test: 'refuses a stale version, says the actual one, and writes nothing',
  },
  {
    name: 'append asks whether the role may write the category',
    promise: 'P2',
    file: APPEND,
    text: 'IF (v_category = ANY (v_categories)) IS NOT TRUE THEN',
    off: 'IF false THEN',
    spec: RIGHTS_SPEC,
    test: 'keep %s from appending to %s and from its deadlines, and say why',
  },
  {
    name: 'append refuses the answer to an event that is not recorded',
    promise: 'P2',
    file: APPEND,
    text: 'IF i = ANY (v_forged) THEN',
    off: 'IF false THEN',
    spec: CONTRACT_SPEC,
    test: 'takes the answer to an event only if it holds exactly that one',
  },
  {
    name: 'append refuses line breaks, which would move text between fields',
    promise: 'G10',
    file: APPEND,
    text: "OR strpos(concat(p_types[j], p_metas[j], p_datas[j]), E'\\\\n') > 0 THEN",
    off: 'THEN',
    spec: RIGHTS_SPEC,
    test: 'do not let %s in past the client',
  },
  triggerWithout('UPDATE', 'BEFORE DELETE OR TRUNCATE ON baton.events'),
  triggerWithout('DELETE', 'BEFORE UPDATE OR TRUNCATE ON baton.events'),
  triggerWithout('TRUNCATE', 'BEFORE UPDATE OR DELETE ON baton.events'),
  {
    name: 'the triggers are always on, as for a replica',
    promise: 'P2',
    file: LOG,
    text: 'ALTER TABLE baton.events ENABLE ALWAYS TRIGGER events_are_kept;',
    off: '',
    spec: RIGHTS_SPEC,
    test: 'stop even the superuser and the owner by a trigger',
  },
  {
    name: 'a known id at the expected version is a duplicate',
    promise: 'P3',
    file: 'libs/event-store/src/append.ts',
    text: "error.constraint === 'events_id_key'",
    off: "error.constraint === ''",
    spec: CONTRACT_SPEC,
    test: 'records an id once, in any stream and at any version',
  },
  {
    name: 'a known id at an old version is a duplicate',
    promise: 'P3',
    file: APPEND,
    text: 'statuses[i] := 2;',
    off: 'statuses[i] := 1;',
    spec: CONTRACT_SPEC,
    test: 'records an id once, in any stream and at any version',
  },
  {
    name: 'an append after a broken connection asks what was committed',
    promise: 'G1',
    file: 'libs/event-store/src/group-commit.ts',
    text: "if (outcome.status === 'appended') return outcome;",
    off: 'return outcome;',
    spec: 'libs/event-store/src/reconnect.int.spec.ts',
    test: 'says appended when the commit was done and only its answer was lost',
  },
  {
    name: 'Postgres chains the hash before',
    promise: 'G10',
    file: APPEND,
    text: "v_hash := sha256(v_hash || convert_to(v_lines, 'UTF8'));",
    off: "v_hash := sha256(convert_to(v_lines, 'UTF8'));",
    spec: CONTRACT_SPEC,
    test: 'chains each event to the one before by its hash',
  },
  ...(['meta', 'data'] as const).map((field): Guard => ({
    name: `the hash covers ${field}`,
    promise: 'G10',
    file: CHAIN,
    text: `\\n\${event.${field}}`,
    off: '',
    spec: CHAIN_SPEC,
    test: 'covers %s',
  })),
  {
    name: 'the hash covers the hash before',
    promise: 'G10',
    file: CHAIN,
    text: "update(previous_hash, 'hex').",
    off: '',
    spec: CHAIN_SPEC,
    test: 'covers the hash before',
  },
  {
    name: 'verifying compares each hash',
    promise: 'G10',
    file: 'libs/event-store/src/verify.ts',
    text: 'return event.hash === expected ?',
    off: "return event.hash !== '' ?",
    spec: 'libs/event-store/src/verify.int.spec.ts',
    test: 'finds an event that was edited together with its hash, at the next one',
  },
  {
    name: 'a deadline is pushed back by its holder only',
    promise: 'G5',
    file: WORK,
    text: 'd.key = p_key AND d.holder = p_holder;',
    off: 'd.key = p_key;',
    spec: CONTRACT_SPEC,
    test: 'is not pushed back by another holder, for another key, or when it is gone',
  },
  {
    name: 'a lease is renewed by the current fence only',
    promise: 'G5',
    file: WORK,
    text: 'AND l.fence = p_fence;\n    RETURN FOUND;',
    off: ';\n    RETURN FOUND;',
    spec: CONTRACT_SPEC,
    test: 'is renewed and released only by its holder with its fence',
  },
  {
    name: 'a lease that is held is given to nobody else',
    promise: 'G5',
    file: WORK,
    text: 'WHERE l.holder IS NULL OR l.holder = excluded.holder OR l.expires_at <= clock_timestamp()',
    off: '',
    spec: CONTRACT_SPEC,
    test: 'is held by one at a time, each name for itself',
  },
];

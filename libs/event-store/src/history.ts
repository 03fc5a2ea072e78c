/** What an auditor asks of the log: everything of one mission, which missions there are, what is open and what is overdue. */
import type { StoredEvent } from '@baton/contracts';
import { askOf, openPool, type ConnectionLimits } from './connections.ts';

const EVENT_COLUMNS = `position, stream, version, id, type,
         to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at,
         meta, data, encode(hash, 'hex') AS hash`;

// Streams are compared byte by byte (COLLATE "C"), and '/' comes right after '.': each of these is a range of the index
// on (stream, version), however long the log is.
const MISSION_EVENTS = `
  SELECT ${EVENT_COLUMNS} FROM (
    SELECT * FROM baton.events WHERE stream = ANY (ARRAY['mission-' || $1::text, 'plan-' || $1, 'release-' || $1]) AND position > $2::bigint
    UNION ALL SELECT * FROM baton.events WHERE stream >= 'task-' || $1 || '.' AND stream < 'task-' || $1 || '/' AND position > $2
    UNION ALL SELECT * FROM baton.events WHERE stream >= 'review-' || $1 || '.' AND stream < 'review-' || $1 || '/' AND position > $2
    UNION ALL SELECT * FROM baton.events WHERE stream >= 'gate-' || $1 || '.' AND stream < 'gate-' || $1 || '/' AND position > $2
  ) AS mission ORDER BY position`;

const MISSION_DEADLINES = `
  SELECT stream, key, holder, to_char(due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS due_at,
         round(extract(epoch FROM due_at - clock_timestamp()) * 1000)::bigint AS due_in_ms
  FROM baton.deadlines
  WHERE stream = ANY (ARRAY['mission-' || $1::text, 'plan-' || $1, 'release-' || $1])
     OR (stream >= 'task-' || $1 || '.' AND stream < 'task-' || $1 || '/')
     OR (stream >= 'review-' || $1 || '.' AND stream < 'review-' || $1 || '/')
     OR (stream >= 'gate-' || $1 || '.' AND stream < 'gate-' || $1 || '/')
  ORDER BY due_at`;

const MISSION_IDS = `
  SELECT substr(stream, length('mission-') + 1) AS mission_id FROM baton.events
  WHERE stream >= 'mission-' || $1::text AND stream < 'mission-' || $1 || '~' AND version = 1
  ORDER BY stream LIMIT $2::integer`;

const RECENT_MISSIONS = `
  SELECT substr(f.stream, length('mission-') + 1) AS mission_id,
         to_char(f.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS first_at,
         a.data AS accepted
  FROM (SELECT stream, position, recorded_at FROM baton.events
        WHERE stream >= 'mission-' AND stream < 'mission.' AND version = 1 ORDER BY position DESC LIMIT $1::integer) AS f
  LEFT JOIN LATERAL (SELECT data FROM baton.events e WHERE e.stream = f.stream AND e.type = 'MissionAccepted' ORDER BY version LIMIT 1) AS a ON true
  ORDER BY f.position DESC`;

// A gate that is open has a deadline row: what waits is found without looking at what has been decided.
const OPEN_GATES = `
  SELECT ${EVENT_COLUMNS} FROM baton.events
  WHERE type = 'GateOpened' AND stream IN (SELECT stream FROM baton.deadlines WHERE category = 'gate')
  ORDER BY position`;

/** Past its time by this much, a deadline is not only about to be taken over. */
const OVERDUE = `
  SELECT category, count(*)::integer AS overdue, to_char(min(due_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS oldest_due_at
  FROM baton.deadlines WHERE due_at < clock_timestamp() - $1::integer * interval '1 millisecond' GROUP BY category ORDER BY category`;

const NOW = `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now`;

export interface MissionDeadline {
  readonly stream: string;
  readonly key: string;
  readonly holder: string | null;
  readonly due_at: string;
  /** Negative: overdue. */
  readonly due_in_ms: number;
}

export interface RecentMission {
  readonly mission_id: string;
  readonly first_at: string;
  /** Data of its MissionAccepted (JSON); null where it was never accepted. */
  readonly accepted: string | null;
}

export interface Overdue {
  readonly category: string;
  readonly overdue: number;
  readonly oldest_due_at: string;
}

export interface History {
  /** Events of all streams of a mission behind `after`, in the order of the log. */
  missionEvents(mission_id: string, after?: number): Promise<readonly StoredEvent[]>;
  missionDeadlines(mission_id: string): Promise<readonly MissionDeadline[]>;
  /** Ids that begin like this. */
  missionIds(prefix: string, limit: number): Promise<readonly string[]>;
  /** The newest first. */
  recentMissions(limit: number): Promise<readonly RecentMission[]>;
  openGates(): Promise<readonly StoredEvent[]>;
  /** Deadlines that nobody took over although they are due for longer than this. */
  overdue(by_ms: number): Promise<readonly Overdue[]>;
  /** The clock that decides, that of Postgres. */
  now(): Promise<string>;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 2;

/** `url` is that of the auditor's role, which reads everything and writes nothing. */
export function openHistory(
  options: Pick<ConnectionLimits, 'url' | 'application_name' | 'connect_timeout_ms' | 'statement_timeout_ms'>,
): History {
  const pool = openPool({ ...options, connections_max: CONNECTIONS_MAX });
  const ask = askOf(pool);
  return {
    missionEvents: (mission_id, after = 0) =>
      ask<StoredEvent>({ name: 'mission-events', text: MISSION_EVENTS, values: [mission_id, after] }),
    missionDeadlines: (mission_id) =>
      ask<MissionDeadline>({ name: 'mission-deadlines', text: MISSION_DEADLINES, values: [mission_id] }),
    missionIds: async (prefix, limit) =>
      (await ask<{ mission_id: string }>({ name: 'mission-ids', text: MISSION_IDS, values: [prefix, limit] })).map(
        (row) => row.mission_id,
      ),
    recentMissions: (limit) => ask<RecentMission>({ name: 'recent-missions', text: RECENT_MISSIONS, values: [limit] }),
    openGates: () => ask<StoredEvent>({ name: 'open-gates', text: OPEN_GATES }),
    overdue: (by_ms) => ask<Overdue>({ name: 'overdue', text: OVERDUE, values: [by_ms] }),
    now: async () => {
      const [row] = await ask<{ now: string }>({ name: 'now', text: NOW });
      if (row === undefined) throw new Error('Postgres did not tell the time');
      return row.now;
    },
    close: () => pool.end(),
  };
}

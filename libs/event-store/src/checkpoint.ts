/** What is signed about a log and kept outside its database: up to this position it had this hash, and so everything before it. */
import { signNote, type SigningKey } from './signed-note.ts';

export interface Checkpoint {
  /** Which log. */
  readonly epoch: string;
  /** 1, and one more each time an operator has recorded that the log goes on from an earlier point. */
  readonly start: number;
  readonly position: number;
  /** Of the event at that position (hex). */
  readonly hash: string;
  /** By the clock of whoever sealed it: a superuser of the database cannot move it. */
  readonly sealed_at: string;
  /** The first of a new start: what an operator said about it. */
  readonly begins: NewStart | null;
}

export interface NewStart {
  /** Up to here earlier checkpoints still hold; what they say of later positions does not count any more. */
  readonly keeps: number;
  readonly reason: string;
}

/** The name of every key; its id tells keys apart. */
export const SEALER_KEY_NAME = 'baton/sealer';
export const REASON_CHARS_MAX = 500;

const ORIGIN = /^baton\/log\/([0-9a-f-]{36})\/([1-9]\d{0,8})$/;
const POSITION = /^(0|[1-9]\d{0,15})$/;
const HASH_BYTES = 32;

/** In the form of c2sp.org/tlog-checkpoint: origin, size, hash, and lines of our own. The hash is that of the chain, not of a tree. */
export function checkpointText({ epoch, start, position, hash, sealed_at, begins }: Checkpoint): string {
  const lines = [
    `baton/log/${epoch}/${String(start)}`,
    String(position),
    Buffer.from(hash, 'hex').toString('base64'),
    `sealed ${sealed_at}`,
    ...(begins === null ? [] : [`keeps ${String(begins.keeps)}`, `reason ${oneLine(begins.reason)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

export const signCheckpoint = (checkpoint: Checkpoint, key: SigningKey): string => signNote(checkpointText(checkpoint), key);

/** Null where it is something else, whoever signed it. */
export function readCheckpointText(text: string): Checkpoint | null {
  const [origin = '', size = '', encoded = '', ...lines] = text.trimEnd().split('\n');
  const [, epoch, start] = ORIGIN.exec(origin) ?? [];
  const hash = Buffer.from(encoded, 'base64');
  if (epoch === undefined || !POSITION.test(size) || hash.length !== HASH_BYTES) return null;
  const said = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  const [sealed_at, keeps, reason] = [said('sealed'), said('keeps'), said('reason')];
  if (sealed_at === undefined || Number.isNaN(Date.parse(sealed_at))) return null;
  if (keeps !== undefined && !POSITION.test(keeps)) return null;
  return {
    epoch,
    start: Number(start),
    position: Number(size),
    hash: hash.toString('hex'),
    sealed_at,
    begins: keeps === undefined ? null : { keeps: Number(keeps), reason: reason ?? '' },
  };
}

const oneLine = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, REASON_CHARS_MAX);

/** Named places where a fault test may end the process; while none is armed, passing one costs a comparison. */
export const FAILPOINTS = [
  'handle',
  'before-append',
  'after-append',
  'before-ack',
  'after-ack',
  'before-publish',
  'after-publish',
  'after-effect',
  'before-land',
  'after-land',
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/**
 * `after-append:3`: acts the third time that this process comes by. `handle@m-1`: acts each time that it comes by with what
 * belongs to m-1, also after a restart; `handle!m-1` throws there instead, as a defect of the code would.
 */
const NAMES = FAILPOINTS.join('|');
export const FAILPOINT_PATTERN = new RegExp(`^(?:${NAMES})(?::[1-9][0-9]{0,5}|[@!][\\w.-]{1,100})$`);
const PARTS = /^([a-z-]+)([:@!])(.+)$/;

let armed: ((name: Failpoint, of: string | undefined) => void) | null = null;

/** `of`: to what it belongs that comes by, for those who wait for one of many. */
export function failpoint(name: Failpoint, of?: string): void {
  if (armed !== null) armed(name, of);
}

/** `act` ends the process. Throws for a place that does not exist. */
export function armFailpoint(setting: string, act: (name: Failpoint) => void): void {
  const [, at, how, what] = (FAILPOINT_PATTERN.test(setting) && PARTS.exec(setting)) || [];
  if (at === undefined)
    throw new Error(
      `failpoint "${setting}" does not exist: give <name>:<nth>, <name>@<id> or <name>!<id> with a name of ${FAILPOINTS.join(', ')}`,
    );
  let left = how === ':' ? Number(what) : 0;
  armed = (name, of) => {
    if (name !== at) return;
    if (how === ':') {
      if (--left === 0) act(name);
    } else if (of === what) {
      if (how === '@') act(name);
      else throw new TypeError(`failpoint ${setting}`);
    }
  };
}

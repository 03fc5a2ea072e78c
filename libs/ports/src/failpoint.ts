/** Named places where a fault test may end the process; while none is armed, passing one costs a comparison. */
export const FAILPOINTS = [
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

/** `after-append:3`: the third time that this process comes by. */
export const FAILPOINT_PATTERN = new RegExp(`^(${FAILPOINTS.join('|')}):([1-9][0-9]{0,5})$`);

let armed: ((name: Failpoint) => void) | null = null;

export function failpoint(name: Failpoint): void {
  if (armed !== null) armed(name);
}

/** `act` ends the process; called once, the nth time that the named place is passed. Throws for a place that does not exist. */
export function armFailpoint(setting: string, act: (name: Failpoint) => void): void {
  const [, at, nth] = FAILPOINT_PATTERN.exec(setting) ?? [];
  if (at === undefined)
    throw new Error(`failpoint "${setting}" does not exist: give <name>:<nth> with a name of ${FAILPOINTS.join(', ')}`);
  let left = Number(nth);
  armed = (name) => {
    if (name === at && --left === 0) act(name);
  };
}

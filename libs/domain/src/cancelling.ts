/** How long the parts of a cancelled mission have to say that they stopped. */
export const CANCEL_MS_MAX = 120_000;
/** How long a plan's running tasks have for it: longer than the mission waits, which so never tells as confirmed what no executor has confirmed. */
export const STOP_MS_MAX = CANCEL_MS_MAX + 60_000;

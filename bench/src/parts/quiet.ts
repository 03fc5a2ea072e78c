/** A logger for what is measured without anybody who reads along. */
export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };

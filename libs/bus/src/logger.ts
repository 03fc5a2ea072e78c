/** What the bus needs of a logger: events with fields (pino fits). */
export interface BusLogger {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
  fatal(fields: object, event: string): void;
}

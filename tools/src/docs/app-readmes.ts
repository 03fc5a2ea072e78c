// The README of a service says what is so: what it consumes and emits by the contracts, the settings it reads, alerts that exist.
import { CONSUMERS, EVENTS, SERVICES, consumersOf, type ServiceName } from '@baton/contracts';

export interface Truth {
  /** Every setting that the service reads. */
  readonly settings: readonly string[];
  /** Every alert that there is. */
  readonly alerts: readonly string[];
}

/** The text under a heading, up to the next. */
const sectionOf = (text: string, name: string): string => text.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';

const differences = (where: string, told: readonly string[], real: readonly string[]): string[] => [
  ...real.filter((one) => !told.includes(one)).map((one) => `${where} does not name ${one}`),
  ...told.filter((one) => !real.includes(one)).map((one) => `${where} names ${one}, which is not so`),
];

/** One sentence for each thing that a README says and that is not so, or does not say. */
export function untrueReadme(service: ServiceName, text: string, { settings, alerts }: Truth): string[] {
  const at = (section: string): string => `apps/${service}/README.md: ${section}`;
  const toldOf = (consumer: string): readonly string[] =>
    new RegExp(`\`${consumer}\`[^:]*: ([\\w, ]+)\\.`).exec(sectionOf(text, 'Consumes'))?.[1]?.split(', ') ?? [];
  const emitted = sectionOf(text, 'Emits').match(/\b[A-Z][a-z]+[A-Z]\w+/g) ?? [];
  const owned = SERVICES[service].appends.flatMap((category) => Object.keys(EVENTS[category]));
  const read = new Set(sectionOf(text, 'Env').match(/\b(?:BATON|OTEL)_[A-Z_]*[A-Z]\b/g));
  const rung = sectionOf(text, 'Alerts').match(/\bBaton[A-Z]\w+/g) ?? [];
  return [
    ...consumersOf(service).flatMap((name) => differences(at(`Consumes, ${name},`), toldOf(name), CONSUMERS[name].takes)),
    ...differences(at('Emits'), owned.length === 0 ? [] : emitted, owned),
    ...differences(at('Env'), [...read], settings),
    ...rung.filter((alert) => !alerts.includes(alert)).map((alert) => `${at('Alerts')} names ${alert}, which no rule has`),
  ];
}

/** Alerts of which no README tells the people who run the service. */
export const untoldAlerts = (texts: readonly string[], alerts: readonly string[]): readonly string[] =>
  alerts.filter((alert) => !texts.some((text) => sectionOf(text, 'Alerts').includes(`\`${alert}\``)));

// docs/privileges.md: who may do what, for those who check it and for those who ask why something was denied.
import { BUS_USERS, PRINCIPALS, PRIVILEGES, filterSubjects, consumersOf, roleOf, type Principal } from '@baton/contracts';
import { permissionsOf } from '@baton/bus';
import { FUNCTION_CALLERS, LOGIN_ROLES, TABLE_READERS } from '@baton/event-store';
import { GENERATED, code, table } from './markdown.ts';

export function privilegesPage(): string {
  return [
    '# Privileges',
    '',
    GENERATED('libs/contracts/src/services.ts and libs/bus/src/permissions.ts'),
    '',
    'Who may do what. Whatever is not listed is denied. From the same matrix are made: the grants in Postgres (by every migration,',
    'anew), `deploy/nats/nats.conf`, and the network policies in `deploy/kubernetes`. `libs/event-store/src/rights*.int.spec.ts` and',
    '`libs/bus/test/permissions.int.spec.ts` try every role and user at what it may not do.',
    '',
    ...matrix(),
    ...database(),
    ...bus(),
    ...network(),
  ].join('\n');
}

const list = (names: readonly string[]): string => names.map(code).join(', ') || 'nothing';

const matrix = (): string[] => [
  '## At a glance',
  '',
  ...table(
    ['who', 'appends to', 'takes', 'rights on the bus', 'reads tables', 'reaches', 'is reached by'],
    PRINCIPALS.map((principal) => {
      const { appends, bus: rights, reads, reaches, serves } = PRIVILEGES[principal];
      return [
        principal,
        list(appends.map((category) => `${category}-…`)),
        takenBy(principal),
        list(rights),
        list(reads),
        reaches.join(', ') || 'nothing',
        serves.join(', ') || 'nobody',
      ];
    }),
  ),
  '',
];

const takenBy = (principal: Principal): string =>
  consumersOf(principal)
    .flatMap((name) => filterSubjects(name))
    .map(code)
    .join('<br>') || 'nothing';

const database = (): string[] => [
  '## Postgres',
  '',
  'Every service logs in with a role of its own. Nobody has INSERT, UPDATE, DELETE or TRUNCATE on any table: the only way to write',
  'is a function, and it looks at whose stream, lease or consumer it is. The owner of everything, `baton_owner`, cannot log in.',
  '',
  'SELECT on tables of the schema `baton`:',
  '',
  ...granted(TABLE_READERS),
  '',
  'EXECUTE on functions of the schema `baton`:',
  '',
  ...granted(FUNCTION_CALLERS),
  '',
];

const granted = (grants: Readonly<Record<string, readonly string[]>>): string[] =>
  table(
    ['', ...LOGIN_ROLES.map(code)],
    Object.keys(grants).map((name) => [
      code(name),
      ...LOGIN_ROLES.map((role) => (grants[name]?.includes(role) === true ? 'yes' : '')),
    ]),
  );

const bus = (): string[] => [
  '## NATS',
  '',
  'Each user logs in with an nkey of its own. From this the one `deploy/nats/nats.conf` is made.',
  '',
  ...table(
    ['user', 'may publish to', 'may subscribe to'],
    BUS_USERS.map((user) => {
      const { publish, subscribe } = permissionsOf(user);
      return [user, publish.map(code).join('<br>'), subscribe.map(code).join('<br>')];
    }),
  ),
  '',
];

const network = (): string[] => [
  '## Network',
  '',
  '`log` is Postgres (5432), `bus` nats-server (4222), `traces` an OpenTelemetry collector (4318), `repositories` HTTPS and SSH outside',
  'of private networks. `clients` are namespaces labelled `baton/client`, `monitoring` those labelled `baton/monitoring`; both reach',
  `port 8080. No service reaches another. Roles in Postgres: ${LOGIN_ROLES.map(code).join(', ')}, from ${code(roleOf('intake'))} for intake.`,
  '',
];

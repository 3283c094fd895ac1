import { billOf, type FleetParts, type Prices, type SessionUse, sumOf } from './cost.ts';
import {
  type FleetSize,
  fitMemory,
  gibOf,
  MEASURED,
  machinesNeeded,
  sessionsThatFit,
  withoutPlace,
} from './memory.ts';

/** Megabytes a session may need, and who says so. The real page could not be measured where Wharf is developed. */
const MEGABYTES: readonly [number, string][] = [
  [43, 'measured here, emulated page'],
  [150, "the documents' least"],
  [300, "the documents' most; the examples"],
  [400, 'a peer, real page'],
];

/** Sessions on a machine and machines, as the documents have them. */
const DOCUMENTS = { perMachine: 750, fewest: 4, most: 8 };

/** Share of a machine's memory that sessions may fill: the units' slice has 85 %, and starts and the file cache need some of it. */
const SHARE = 0.75;
/** Free places beside those for a lost machine. */
const MARGIN = 0.05;

const QUEUE_NODES: Readonly<Record<number, string>> = {
  1000: 'cache.m7g.large',
  2000: 'cache.m7g.xlarge',
  3000: 'cache.r7g.xlarge',
};

/** The examples of infra/terraform. */
export const EXAMPLES: readonly (FleetSize & { queueNode: string })[] = [1000, 2000, 3000].map(
  (sessions) => ({
    sessions,
    machine: { name: 'r7i.4xlarge', gib: 128 },
    sessionsPerMachine: 300,
    machines: machinesNeeded(sessions, 300, MARGIN),
    // 2.2 KB for each message of a week, 200 a day for each session (docs/measurements.md): 3.1, 6.2, 9.2 GB, in three quarters of a node's memory.
    queueNode: QUEUE_NODES[sessions] ?? '',
  }),
);

/** What the modules make beside the instances' machines. */
const PARTS: Omit<FleetParts, 'queueNode'> = {
  zones: 3,
  routers: 2,
  backups: 1,
  smallMachine: 'm7i.large',
  instanceDiskGib: 64,
  routerDiskGib: 32,
  backupDiskGib: 64,
  ownershipNodes: 2,
  ownershipNode: 'cache.m7g.large',
  queueNodes: 3,
  secrets: 4,
};

/** Assumed of a session: docs/aws.md says from what. */
export const USE: SessionUse = {
  storedMegabytes: 200,
  writtenMegabytesADay: 60,
  readMegabytesADay: 60,
  transferredMegabytesADay: 30,
  backupMegabytes: 150,
  putsADay: 48,
};

/** All tables as they stand in docs/aws.md, in Markdown. */
export function sizingTables(prices: Prices): string {
  return [documentsTable(), measuredTable(), machinesTable(prices), billTable(prices)].join('\n\n');
}

function documentsTable(): string {
  const { perMachine, fewest, most } = DOCUMENTS;
  return [
    `**What the documents say**: ${perMachine} sessions on a machine, ${fewest} to ${most} machines, 1000 to 3000 sessions, 150 to 300 MB each, and nothing lost with a machine.`,
    '',
    table(
      [
        'sessions',
        'machines',
        'of 750 places, in use',
        'lose one: sessions without a place',
        'GiB a machine at 150 / 300 / 400 MB',
      ],
      [1000, 2000, 3000].flatMap((sessions) =>
        [fewest, most].map((machines) => [
          String(sessions),
          String(machines),
          percent(sessions / (machines * perMachine)),
          String(withoutPlace({ sessions, machines, perMachine })),
          [150, 300, 400].map((megabytes) => gibOf(sessions / machines, megabytes).toFixed(0)).join(' / '),
        ]),
      ),
    ),
    '',
    `${perMachine} sessions, which each machine must be able to hold: ${MEGABYTES.map(([megabytes]) => `${gibOf(perMachine, megabytes).toFixed(0)} GiB at ${megabytes} MB`).join(', ')}.`,
  ].join('\n');
}

function measuredTable(): string {
  const { fixed, perSession } = fitMemory();
  return [
    `**What was measured** (emulated page): ${MEASURED.map(({ sessions, perSession: each }) => `${each} MB a session at ${sessions}`).join(', ')}; in all ${fixed.toFixed(0)} MB and ${perSession.toFixed(1)} MB for each session. Beyond 25 sessions this is a line drawn on, not a measurement.`,
    '',
    table(
      ['sessions on a machine', 'by the line, GiB', 'at 43 MB', 'at 300 MB', 'at 400 MB'],
      [100, 300, 750].map((sessions) => [
        String(sessions),
        (gibOf(1, fixed) + gibOf(sessions, perSession)).toFixed(1),
        ...[43, 300, 400].map((megabytes) => gibOf(sessions, megabytes).toFixed(1)),
      ]),
    ),
  ].join('\n');
}

function machinesTable(prices: Prices): string {
  const machine = { name: 'r7i.4xlarge', gib: 128 };
  return [
    `**Machines** (${machine.name}, ${machine.gib} GiB, of which sessions fill ${percent(SHARE)} at most), one of them lost and ${percent(MARGIN)} of places free beyond that; no more than ${DOCUMENTS.perMachine} sessions on one:`,
    '',
    table(
      [
        'MB a session',
        'sessions a machine',
        ...EXAMPLES.map(({ sessions }) => `for ${sessions}`),
        'machines alone, USD a month',
      ],
      MEGABYTES.map(([megabytes, who]) => {
        const perMachine = Math.min(DOCUMENTS.perMachine, sessionsThatFit(machine, megabytes, SHARE));
        const needed = EXAMPLES.map(({ sessions }) => machinesNeeded(sessions, perMachine, MARGIN));
        const price = (prices.machine_hour[machine.name] ?? Number.NaN) * prices.hours_a_month;
        return [
          `${megabytes} (${who})`,
          String(perMachine),
          ...needed.map(String),
          needed.map((count) => dollars(count * price)).join(' / '),
        ];
      }),
    ),
  ].join('\n');
}

function billTable(prices: Prices): string {
  const bills = EXAMPLES.map(({ queueNode, ...size }) => billOf(size, { ...PARTS, queueNode }, USE, prices));
  const [first = {}] = bills;
  return [
    `**The examples, USD a month** (${prices.region}, on demand, list prices of ${prices.as_of}, by \`infra/terraform/prices.json\`):`,
    '',
    table(
      ['', ...EXAMPLES.map(({ sessions }) => `${sessions} sessions`)],
      [
        [
          'machines; sessions on each at most; memory of all',
          ...EXAMPLES.map(
            ({ machines, machine, sessionsPerMachine }) =>
              `${machines} ${machine.name}; ${sessionsPerMachine}; ${machines * machine.gib} GiB`,
          ),
        ],
        ['sessions, at 300 MB', ...EXAMPLES.map(({ sessions }) => `${gibOf(sessions, 300).toFixed(0)} GiB`)],
        ...Object.keys(first).map((what) => [
          what,
          ...bills.map((bill) => dollars(bill[what] ?? Number.NaN)),
        ]),
        ['**in all**', ...bills.map((bill) => `**${dollars(sumOf(bill))}**`)],
        [
          'for each session',
          ...bills.map((bill, index) => (sumOf(bill) / (EXAMPLES[index]?.sessions ?? Number.NaN)).toFixed(2)),
        ],
      ],
    ),
  ].join('\n');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n').replaceAll('|  |', '| |');
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

/** Whole dollars, thousands apart. */
const dollars = (amount: number) =>
  Math.round(amount)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');

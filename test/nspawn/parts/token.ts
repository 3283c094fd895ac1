import { INTERNAL_TOKEN_HEADER, instanceSessionPath } from '../../../fleet/instance-api.ts';
import { ask } from '../../chaos/real/asking.ts';
import type { Fleet } from '../machines/fleet.ts';
import type { Results } from '../results.ts';

/** The internal token is changed as the runbook says: the new one everywhere, then everything restarted at once. */
export async function token(fleet: Fleet, results: Results): Promise<void> {
  await fleet.settle();
  const old = fleet.secrets.token;
  const made = (await fleet.hub.run(['openssl', 'rand', '-hex', '24'])).trim();
  for (const machine of fleet.machines)
    await machine.run(
      [
        ...['sh', '-ec'],
        'read -r token; sed -i "s/^WHARF_INTERNAL_TOKEN=.*/WHARF_INTERNAL_TOKEN=$token/" /etc/wharf/wharf.env',
      ],
      `${made}\n`,
    );
  fleet.secrets.token = made;
  const units = [fleet.router, fleet.backup, ...fleet.instances];
  const before = await Promise.all(units.map(async (unit) => ({ unit, state: await unit.state() })));
  const at = Date.now();
  await Promise.all(
    fleet.machines.map(async (machine) => {
      await machine.run(['systemctl', 'restart', 'wharf.target']);
    }),
  );
  // The services are restarted with the target (PartOf=), which waits for none of them.
  await Promise.all(before.map(async ({ unit, state }) => await unit.again(state)));
  for (const { session } of fleet.sessions)
    await fleet.api.until(`/api/whatsapp/sessions/${session}`, () => true);
  results.took('token_api', 'a new token, all restarted: every session answers', (Date.now() - at) / 1000);
  await fleet.readySince(at);
  results.took(
    'token_ready',
    'a new token, all restarted: every session ready again',
    (Date.now() - at) / 1000,
  );
  const path = instanceSessionPath('0', 'first');
  for (const [value, isGood] of [
    [old, false],
    [made, true],
  ] as const) {
    const url = `http://${fleet.one.address}:3001${path}`;
    const answer = await ask('GET', url, { [INTERNAL_TOKEN_HEADER]: value });
    const isTaken = answer.kind === 'answered' && answer.status !== 401;
    results.rule(
      isTaken === isGood,
      `an instance answers the ${isGood ? 'new' : 'old'} token with ${JSON.stringify(answer)}`,
    );
  }
  for (const line of await fleet.emulator.misfortunes()) results.rule(false, `token: ${line}`);
}

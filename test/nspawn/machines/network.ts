import { command } from '../../chaos/hosts/command.ts';

/** The switch that all machines are plugged into. */
export const BRIDGE = 'wharf';

/** This machine's address there: the emulator answers at it. */
export const OUTSIDE = '10.79.0.254';

/** Makes the switch, in the network namespace this process is in, and gives this machine its address. */
export async function makeNetwork(): Promise<void> {
  const lines = [
    'link set lo up',
    `link add ${BRIDGE} type bridge`,
    `addr add ${OUTSIDE}/24 dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  ];
  await command('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
}

/** How systemd-networkd sets a machine's plug up. */
export function networkFile(address: string): string {
  return `[Match]\nName=host0\n\n[Network]\nAddress=${address}/24\nLinkLocalAddressing=no\nLLDP=no\nEmitLLDP=no\n`;
}

/** Names of all machines by number, for /etc/hosts. */
export function hostsFile(peers: Readonly<Record<string, number>>): string {
  const lines = Object.entries(peers).map(([name, number]) => `10.79.0.${number} ${name}`);
  return `${['127.0.0.1 localhost', ...lines].join('\n')}\n`;
}

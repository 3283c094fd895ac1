import { promises as dns, type LookupAddress } from 'node:dns';
import { systemCode } from './errors.ts';

/** Finds the addresses of a host name; throws an Error that says why there are none. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

const TIMEOUT = 3000;
const TRIES = 2;

/**
 * Asks DNS itself, by the servers of `/etc/resolv.conf`. The system's own `getaddrinfo` holds one of Node's four threads for as long as a DNS
 * server is silent, and four such names would stop every file operation of the process; so it is asked only for names DNS does not have, as those of
 * `/etc/hosts`, and for all where no DNS server is set up; one at a time.
 */
export function dnsResolver(): Resolve {
  const resolver = new dns.Resolver({ timeout: TIMEOUT, tries: TRIES });
  let before: Promise<unknown> = Promise.resolve();
  const askSystem = (hostname: string): Promise<LookupAddress[]> => {
    const asked = before.then(() => dns.lookup(hostname, { all: true }));
    before = asked.catch(() => undefined);
    return asked;
  };
  return async (hostname) => {
    if (hostname === 'localhost' || hostname.endsWith('.localhost')) {
      return [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ];
    }
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = [...addressesOf(four, 4), ...addressesOf(six, 6)];
    if (found.length > 0) return found;
    const reason = four.status === 'rejected' ? four.reason : undefined;
    // Where DNS servers fail or are silent the system would only wait for them too.
    if (!/^(ENOTFOUND|ENODATA|ECONNREFUSED)$/.test(systemCode(reason) ?? 'ENODATA')) throw reason;
    return askSystem(hostname);
  };
}

function addressesOf(result: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return result.status === 'fulfilled' ? result.value.map((address) => ({ address, family })) : [];
}

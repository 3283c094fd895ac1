import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isPublicAddress } from '../../common/address-check.ts';

/** `public`: addresses of the public Internet alone. `any`: also those of one's own networks. */
export type AddressPolicy = 'any' | 'public';

/** Own networks: allowed where the operator's own applications receive. Link-local is in none of them. */
const OWN_NETWORKS: ReadonlySet<string> = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat']);

/** Where clouds hand out credentials outside link-local: AWS over IPv6, Google over IPv6, Alibaba, Azure's wire server. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set([
  'fd00:ec2::254',
  'fd20:ce::254',
  '100.100.100.200',
  '168.63.129.16',
]);

const METADATA_NAMES: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'metadata.platformequinix.com',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** Whether a webhook may be sent to an IP address. Link-local addresses and the clouds' metadata services never get one. */
export function mayCall(address: string, policy: AddressPolicy): boolean {
  if (!ipaddr.isValid(address)) return false;
  const plain = ipaddr.process(address);
  if (METADATA_ADDRESSES.has(plain.toString())) return false;
  return isPublicAddress(address) || (policy === 'any' && OWN_NETWORKS.has(plain.range()));
}

/** The host of a URL as the resolver takes it: IPv6 addresses without their brackets, names without the root's dot. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/**
 * What is wrong with the URL of a webhook, for people; undefined where nothing is. What its name resolves to is looked at whenever it is
 * called: it may be another address by then.
 */
export function urlFault(text: string, policy: AddressPolicy): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL, such as https://example.com/hooks/wharf';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://';
  if (url.username !== '' || url.password !== '') {
    return 'must hold no user and password: what comes from Wharf is known by its signature';
  }
  if (url.hash !== '') return 'must hold no fragment (#...): it is never sent';
  const host = hostOf(url);
  if (METADATA_NAMES.has(host)) return 'names a metadata service, which gets no webhooks';
  if (isIP(host) !== 0) {
    return mayCall(host, policy) ? undefined : `names ${host}, an address that gets no webhooks`;
  }
  if (policy === 'public' && (host === 'localhost' || host.endsWith('.localhost'))) {
    return 'must be reachable on the public Internet: this fleet sends webhooks nowhere else (WEBHOOK_ADDRESSES)';
  }
  return undefined;
}

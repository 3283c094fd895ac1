import ipaddr from 'ipaddr.js';

/**
 * Whether an IP address is one of the public Internet. Everything else (private, loopback, link-local with the clouds' metadata services,
 * carrier-grade NAT, multicast, reserved, documentation ...) is not for customers to make us call (SSRF).
 *
 * @param address as the resolver gives it; an IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) counts as what is inside or is refused
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return ipaddr.process(address).range() === 'unicast';
}

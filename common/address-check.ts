import ipaddr from 'ipaddr.js';

/**
 * Whether an IP address is one of the public Internet. Everything else (private, loopback, link-local with the clouds' metadata services,
 * carrier-grade NAT, multicast, reserved, documentation ...) is not for customers to make us call (SSRF).
 *
 * @param address as the resolver gives it; an IPv4 address mapped into an IPv6 one counts as what it is, all other ways to hold one inside
 *   another (6to4, Teredo, NAT64, ISATAP, IPv4-compatible) are refused: where they lead is decided by a gateway nobody asked
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const plain = ipaddr.process(address);
  if (plain.range() !== 'unicast') return false;
  return plain.kind() === 'ipv4' || isGlobalUnicast(plain.toByteArray());
}

/** 2000::/3, all that has been given out (RFC 4291), without ISATAP's interface ids `0:5efe:` and `200:5efe:` (RFC 5214). */
function isGlobalUnicast(bytes: number[]): boolean {
  const [first = 0] = bytes;
  const [a = 0, b, c, d] = bytes.slice(8, 12);
  return first >> 5 === 1 && !((a & 0xfd) === 0 && b === 0 && c === 0x5e && d === 0xfe);
}

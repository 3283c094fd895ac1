import type { Finding } from './finding.ts';

const SHARED_NAMES =
  /^(localhost|localhost\.localdomain|debian|ubuntu|raspberrypi|ip6-localhost|\(none\)|)$/i;

/**
 * Whether the host has a name of its own: two NFS clients of one name were given the same exclusive lock.
 *
 * @param name as the system gives it
 */
export function checkHostName(name: string): Finding {
  if (!SHARED_NAMES.test(name)) return { subject: 'host name', status: 'ok', detail: name };
  return {
    subject: 'host name',
    status: 'warning',
    detail: `"${name}" is no name of this host's own`,
    hint: 'Give each host a unique name (hostnamectl set-hostname NAME): a file server may give two hosts of one name the same lock.',
  };
}

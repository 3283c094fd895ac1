import { statSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow } from '../paths.mjs';

const MAINTAINER = 'Wharf maintainers <maintainers@wharf.invalid>';

/** When the package is said to be from, seconds since 1970: SOURCE_DATE_EPOCH, else the same for every build, so that builds can be compared. */
export function sourceDate(env = process.env) {
  const given = env.SOURCE_DATE_EPOCH;
  return given !== undefined && /^\d{1,10}$/.test(given) ? Number(given) : Date.UTC(2026, 0, 1) / 1000;
}

/**
 * DEBIAN/control.
 *
 * - libc6, libstdc++6: what nodejs.org's binaries ask for.
 * - systemd 250: the first with all settings of the units (PrivateIPC, NoExecPaths, StopPropagatedFrom).
 * - Chromium is recommended only: a router and a backup service do without. Redis and the clients of file systems are suggested: Debian would start
 *   a Redis on every machine. The installer brings what a machine's roles need.
 */
export function control(stage, version, architecture) {
  return `Package: wharf
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${installedKilobytes(stage)}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8), systemd (>= 250), ca-certificates
Recommends: chromium-headless-shell | chromium
Suggests: redis-server, nfs-common, glusterfs-client
Section: net
Priority: optional
Description: runs thousands of WhatsApp sessions on a few machines
 Wharf keeps WhatsApp sessions of many businesses linked and ready, each in a
 headless Chromium of its own, behind one HTTP API. When a machine is lost, its
 sessions come up on the others, and nobody scans a QR code again.
 .
 This package brings the router, the instances, the backup service and the
 wharf command, with the Node.js they run on and units for systemd. Nothing is
 started before wharf-install, or an administrator, has given the machine its
 part in a fleet.
`;
}

/** debian/changelog of one entry; what changed stands in CHANGELOG.md beside it. */
export function changelog(version) {
  const date = new Date(sourceDate() * 1000).toUTCString().replace('GMT', '+0000');
  return `wharf (${version}) unstable; urgency=medium

  * Version ${version}: see CHANGELOG.md in this directory.

 -- ${MAINTAINER}  ${date}
`;
}

/** As dpkg-gencontrol counts: each file rounded up to a kilobyte, and one for each directory. */
function installedKilobytes(stage) {
  const files = filesBelow(stage).filter((file) => !file.startsWith('DEBIAN/'));
  const folders = new Set(files.flatMap(foldersOf));
  return files.reduce((sum, file) => sum + Math.ceil(statSync(join(stage, file)).size / 1024), folders.size);
}

function foldersOf(file) {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

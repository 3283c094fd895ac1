/** Why a version cannot be a Debian package's (deb-version(7), without an epoch), or undefined. */
export function versionFault(version) {
  if (version === undefined || /^\d[A-Za-z0-9.+~]*$/.test(version)) return undefined;
  return `--version ${version} is no version: it begins with a digit, and has only letters, digits and . + ~`;
}

/** A Chromium version, `major.minor.build.patch`. */
export type ChromiumVersion = readonly [major: number, minor: number, build: number, patch: number];

/**
 * The version in what a binary or the browser says of itself: `Chromium 156.0.8078.79 built on Debian`, `HeadlessChrome/156.0.8078.79`, `156.0.8078.79`.
 *
 * @returns null if there is none in it
 */
export function parseChromiumVersion(text: string): ChromiumVersion | null {
  const [, major, minor, build, patch] =
    /(?<![\d.])(\d{1,6})\.(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?![\d.])/.exec(text) ?? [];
  if (major === undefined || minor === undefined || build === undefined || patch === undefined) return null;
  return [Number(major), Number(minor), Number(build), Number(patch)];
}

/** Below 0 if `left` is the older, 0 if they are the same, above 0 if it is the newer. */
export function compareChromiumVersions(left: ChromiumVersion, right: ChromiumVersion): number {
  for (const [index, part] of left.entries()) {
    const difference = part - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `156.0.8078.79` */
export function formatChromiumVersion(version: ChromiumVersion): string {
  return version.join('.');
}

/**
 * Whether a binary may open a profile: never an older one, be it by a patch. An older Chromium does not understand a newer one's
 * databases, deletes them, and the session is lost; the other way is what browsers are made for.
 *
 * @param wroteIt the version that last opened the profile; null if none is known, and then nothing speaks against it
 */
export function mayOpen(wroteIt: ChromiumVersion | null, binary: ChromiumVersion): boolean {
  return wroteIt === null || compareChromiumVersions(binary, wroteIt) >= 0;
}

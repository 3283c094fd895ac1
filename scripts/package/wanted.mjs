/** The folders of dist/ that a machine of a fleet runs from. */
const BUILT = /^(?:common|fleet|instance|router|backup|cli|emulator)\//;

/** Whether a file of dist/ is part of the package: not tests, nor maps from the code back to its source, nor what the build keeps for itself. */
export function isBuilt(path) {
  return BUILT.test(path) && !path.endsWith('.map');
}

/** Folders of npm packages that their code does not run from. */
const FOLDERS =
  /^(?:\.[^/]+|tests?|__tests__|spec|benchmarks?|examples?|coverage|docs?|man|media|prebuilds)\//;

/** Types, maps, sources of types, notes for people and for tools. */
const FILES =
  /(?:\.d\.[cm]?ts|\.[cm]?ts|\.map|\.flow|\.md|\.markdown|\.mkd|\.html?|\.bare|\.tgz|\.sh|\.bat|\.cmd|\.yml|\.yaml|\.gypi?|\.cc|\.cpp|\.c|\.h|\.lock|\.tsbuildinfo|\.musl\.node)$/i;

/** What packages carry for those who develop them. */
const NAMES =
  /(?:^|\/)(?:\.[^/]+|Makefile|Gruntfile\.js|Gulpfile\.js|karma\.conf\.js|tsconfig[^/]*\.json|bower\.json|component\.json)$/;

/** Licences go with their code, whatever they are called. */
const LICENCE = /(?:^|\/)(?:licen[cs]e|copying|notice)[^/]*$/i;

/** Whether a file of an npm package is needed to run it, or must go with it. */
export function isNeeded(path) {
  if (LICENCE.test(path) && !FOLDERS.test(path)) return true;
  return !FOLDERS.test(path) && !FILES.test(path) && !NAMES.test(path);
}

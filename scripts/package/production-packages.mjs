/**
 * The npm packages that run in production, as paths in node_modules: what package.json depends on, and what that depends on, found as Node finds it.
 * Narrower than what `npm ci --omit=dev` installs, which keeps peers that are optional: a TypeScript compiler among them.
 *
 * @param {Record<string, object>} packages those of package-lock.json
 * @returns {string[]} `node_modules/NAME`, sorted
 * @throws Error where the lock file lacks one that is needed
 */
export function productionPackages(packages) {
  const found = new Set();
  const visit = (path) => {
    const entry = packages[path];
    const optional = new Set(Object.keys(entry.optionalDependencies ?? {}));
    for (const name of neededBy(entry)) {
      const where = resolve(packages, path, name);
      if (where === undefined && !optional.has(name))
        throw new Error(`package-lock.json lacks ${name}, which ${path || 'package.json'} needs`);
      if (where === undefined || found.has(where)) continue;
      found.add(where);
      visit(where);
    }
  };
  visit('');
  return [...found].sort();
}

function neededBy({
  dependencies = {},
  optionalDependencies = {},
  peerDependencies = {},
  peerDependenciesMeta = {},
}) {
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  return new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]);
}

/** Looks beside the package, then beside each package around it. */
function resolve(packages, from, name) {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const path = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (base === '') return undefined;
  }
}

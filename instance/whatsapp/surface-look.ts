import { z } from 'zod';
import { SURFACE, type SurfaceUse } from './surface.ts';

/** What a module of the page lacks. */
export interface SurfaceGap {
  module: string;
  /** Members that are not there; empty: the whole module is not. */
  members: string[];
  uses: SurfaceUse[];
}

/** All of the surface, a module once. */
export function surfaceModules(): { module: string; members: string[] }[] {
  const modules = new Map<string, Set<string>>();
  for (const { module, members } of SURFACE) {
    const known = modules.get(module) ?? new Set();
    for (const member of members) known.add(member);
    modules.set(module, known);
  }
  return [...modules].map(([module, members]) => ({ module, members: [...members] }));
}

/** Looks for all of the surface in a page: an expression for `page.evaluate`. What is asked for is only looked at, and nothing is called. */
export function surfaceExpression(): string {
  return `(${LOOK})(${JSON.stringify(surfaceModules().map(({ module, members }) => [module, members]))})`;
}

const LOOK = `(wanted) => {
  const missing = [];
  for (const [name, members] of wanted) {
    let module;
    try { module = window.require(name); } catch { /* Told as not there. */ }
    if (module === undefined || module === null) {
      missing.push([name, []]);
      continue;
    }
    const gone = members.filter((path) => {
      try {
        const found = path.split('.').reduce((parent, key) => parent[key], module);
        return found === undefined || found === null;
      } catch {
        return true;
      }
    });
    if (gone.length > 0) missing.push([name, gone]);
  }
  return missing;
}`;

const answerSchema = z.array(z.tuple([z.string(), z.array(z.string())]));

/** What the page answered to {@link surfaceExpression}. Throws where that is not to be understood. */
export function parseGaps(answer: unknown): SurfaceGap[] {
  return answerSchema.parse(answer).map(([module, members]) => {
    const isBroken = (needed: readonly string[]) =>
      members.length === 0 || needed.some((path) => members.includes(path));
    const broken = SURFACE.filter((one) => one.module === module && isBroken(one.members));
    return { module, members, uses: [...new Set(broken.map(({ use }) => use))] };
  });
}

import { readFile } from 'node:fs/promises';

/** What becomes of a block's commands: see the beginning of docs/runbook.md. `stopped`: run while the local fleet is stopped. */
type BlockKind = 'run' | 'host' | 'stopped' | 'shown';

/** A block of commands. */
export interface RunbookBlock {
  kind: BlockKind;
  /** One a line, as they are written. */
  commands: string[];
  /** Of its first command in the document, from 1. */
  line: number;
}

/** What stands below one heading of the second level. */
export interface RunbookSection {
  heading: string;
  /** As links to it end: `an-instance-is-down`; '' before the first heading. */
  anchor: string;
  text: string;
  blocks: RunbookBlock[];
}

/** The repository: farther up when this was built, to `dist/`. */
const ROOT = new URL(import.meta.url.endsWith('.js') ? '../../../' : '../../', import.meta.url);

const KINDS: Record<string, BlockKind> = {
  'sh run': 'run',
  'sh host': 'host',
  'sh stopped': 'stopped',
  sh: 'shown',
};

/**
 * Reads docs/runbook.md.
 *
 * @throws Error where a block is of no kind that is known, or does not end
 */
export async function readRunbook(): Promise<RunbookSection[]> {
  const text = await readFile(new URL('docs/runbook.md', ROOT), 'utf8');
  return parseRunbook(text);
}

/** The sections of such a document, the one before the first heading too. */
export function parseRunbook(document: string): RunbookSection[] {
  const sections: RunbookSection[] = [newSection('')];
  let block: RunbookBlock | undefined;
  for (const [index, line] of document.split('\n').entries()) {
    const heading = block === undefined ? /^## (.+)$/.exec(line)?.[1] : undefined;
    if (heading !== undefined) sections.push(newSection(heading));
    const section = sections[sections.length - 1] ?? newSection('');
    section.text += `${line}\n`;
    const fence = /^\s*```(.*)$/.exec(line)?.[1];
    if (block === undefined && fence !== undefined) {
      const kind = KINDS[fence.trim()];
      if (kind === undefined) throw new Error(`line ${index + 1}: a block of an unknown kind: ${fence}`);
      block = { kind, commands: [], line: index + 2 };
      section.blocks.push(block);
    } else if (fence !== undefined) {
      block = undefined;
    } else if (block !== undefined && line.trim() !== '') {
      block.commands.push(line.trim());
    }
  }
  if (block !== undefined) throw new Error(`the block of line ${block.line} does not end`);
  return sections;
}

function newSection(heading: string): RunbookSection {
  const anchor = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
  return { heading, anchor, text: '', blocks: [] };
}

/**
 * The `wharf` command as a document for people, from the program itself.
 *
 * @param {import('commander').Command} program
 * @returns {string} Markdown
 */
export function cliReference(program) {
  const commands = leavesOf(program);
  return [
    '# Command reference',
    'Made by `npm run docs:api` from the program; `wharf COMMAND --help` says the same. On a host of the Debian package `wharf` is in the path; in the repository it is `npx wharf`.',
    table(
      'everywhere',
      program.options.map((option) => [option.flags, option.description]),
    ),
    'Exit codes: 0 done, 1 failed, 2 wrong use. Without `--url` and `--key` the router and the key are taken from `WHARF_URL` and `WHARF_API_KEY`, else from the local fleet.',
    table(
      'command',
      commands.map(({ words, command }) => [words, command.description()]),
      (words) => `[\`${words}\`](#${anchor(words)})`,
    ),
    ...commands.map(describe),
  ]
    .join('\n\n')
    .concat('\n');
}

/**
 * Every command that does something.
 *
 * @returns {{words: string, command: import('commander').Command}[]} words: as they are typed, `wharf backup run`
 */
export function leavesOf(command, before = []) {
  const words = [...before, command.name()];
  if (command.commands.length === 0) return [{ words: words.join(' '), command }];
  return command.commands
    .filter((child) => child.name() !== 'help')
    .flatMap((child) => leavesOf(child, words));
}

const anchor = (words) => words.replaceAll(' ', '-');

function describe({ words, command }) {
  const help = command.createHelp();
  const parts = [
    `## ${words}`,
    `    ${words} ${command.usage()}`.trimEnd(),
    `${sentence(command.description())}`,
  ];
  const things = command.registeredArguments.map((argument) => [
    argument.name(),
    help.argumentDescription(argument),
  ]);
  const options = help
    .visibleOptions(command)
    .filter((option) => option.long !== '--help')
    .map((option) => [option.flags, help.optionDescription(option)]);
  if (things.length + options.length > 0) parts.push(table('', [...things, ...options]));
  const after = helpAfter(command);
  if (after !== '') parts.push(after);
  return parts.join('\n\n');
}

/** What a command's help says below its options: prose, then examples as a block of code. */
function helpAfter(command) {
  let said = '';
  command.emit('afterHelp', { error: false, command, write: (text) => (said += text) });
  const [prose = '', examples] = said.trim().split(/^Examples?:\n/m);
  const text = prose.trim().replaceAll(/[<>]/g, '\\$&');
  const block = (examples ?? '').trimEnd().replaceAll(/^ {2}/gm, '    ');
  return [text, block].filter((part) => part !== '').join('\n\n');
}

function table(heading, rows, shown = (first) => `\`${first}\``) {
  const lines = rows.map(
    ([first, second]) => `| ${shown(first).replaceAll('|', '\\|')} | ${second.replaceAll('|', '\\|')} |`,
  );
  return [`| ${heading} | |`, '|---|---|', ...lines].join('\n');
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

import { expect, it } from 'vitest';
import { missingPrograms, runProgram } from '../helpers/programs.ts';

const RULES = new URL('../../infra/terraform/modules/machine/files/metadata.nft', import.meta.url).pathname;

/** A network of its own with a metadata service in it; asks as root, then as two users. */
const SCRIPT = `
set -e
ip link set lo up
ip addr add 169.254.169.254/32 dev lo
"$1" -e 'require("node:http").createServer((q, r) => r.end("role")).listen(80, "169.254.169.254", () => console.log("listening"))' &
server=$!
trap 'kill $server' EXIT
ask() { "$@" curl -sS --retry 30 --retry-connrefused --retry-delay 1 http://169.254.169.254/; }
refused() { ! "$@" curl -sS --max-time 5 http://169.254.169.254/ >/dev/null 2>&1; }
ask env >/dev/null 2>&1
nft -D owner=870 -f "$2"
nft -D owner=870 -f "$2"
echo "root: $(ask env)"
echo "another: $(ask setpriv --reuid=871 --regid=871 --clear-groups)"
refused setpriv --reuid=870 --regid=870 --clear-groups && echo "wharf: refused"
echo "root afterwards: $(ask env)"
`;

const missing = missingPrograms(['unshare', 'nft', 'ip', 'setpriv', 'curl']);
const canTry =
  missing.length === 0 && (await runProgram('unshare', ['--net', 'nft', 'list', 'ruleset'])).code === 0;
if (!canTry)
  process.stderr.write(
    `no test of who reaches the metadata service: ${missing.length > 0 ? `no ${missing.join(', ')}` : 'no networks of its own'}\n`,
  );

it.skipIf(!canTry)(
  'keeps processes of wharf, and nobody else, from the metadata service',
  { timeout: 180_000 },
  async () => {
    const { code, said } = await runProgram('unshare', [
      '--net',
      'bash',
      '-c',
      SCRIPT,
      'guard',
      process.execPath,
      RULES,
    ]);
    expect({ code, lines: said.split('\n').filter((line) => line.includes(':')) }).toEqual({
      code: 0,
      lines: ['root: role', 'another: role', 'wharf: refused', 'root afterwards: role'],
    });
  },
);

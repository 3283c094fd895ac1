import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { missingPrograms } from '../helpers/programs.ts';
import { type TerraformHost, terraformHost } from './terraform-host.ts';

const missing = missingPrograms(['bash', 'sha256sum']);
if (missing.length > 0) process.stderr.write(`no tests of a machine's Chromium: no ${missing.join(', ')}\n`);

const sum = (text: string) => createHash('sha256').update(text).digest('hex');
const [SHELL, COMMON] = ['chromium-headless-shell_156_amd64.deb', 'chromium-common_156_amd64.deb'];

/** A machine that is told of these packages; the bucket's objects are their own names, and what is installed is written down. */
async function machine(chromium: string): Promise<TerraformHost> {
  const host = await terraformHost({ WHARF_PACKAGE_BUCKET: 'packages', WHARF_CHROMIUM: chromium });
  await host.program('aws', 'shift 5; printf %s "$(basename "$1")" >"$2"');
  await host.program('apt-mark', '');
  await host.program(
    'apt-get',
    'for word; do case "$word" in */*.deb) set -- "$@" "$(cat "$word")" ;; esac; done; echo "installs $*"',
  );
  return host;
}

describe.skipIf(missing.length > 0)("a machine's Chromium", { timeout: 180_000 }, () => {
  it('is the one that was put into the bucket, and is held', async () => {
    const host = await machine(`${SHELL}=${sum(SHELL)} ${COMMON}=${sum(COMMON)}`);
    const { code, out, err } = await host.run('wharf-aws-chromium');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(new RegExp(`^installs install .* ${SHELL} ${COMMON}$`, 'm'));
    expect((await host.calls()).at(-1)).toBe('apt-mark hold chromium-headless-shell chromium-common');
  });

  it('is none where a sum is not right', async () => {
    const host = await machine(`${SHELL}=${sum(SHELL)} ${COMMON}=${sum('another')}`);
    expect((await host.run('wharf-aws-chromium')).code).not.toBe(0);
    expect((await host.calls()).filter((call) => !call.startsWith('aws'))).toEqual([]);
  });

  it("is Debian's newest where none is named, and is held as well", async () => {
    const host = await machine('');
    expect((await host.run('wharf-aws-chromium')).out).toMatch(/ chromium-headless-shell$/m);
    expect((await host.calls()).map((call) => call.split(' ')[0])).toEqual(['apt-get', 'apt-mark']);
  });
});

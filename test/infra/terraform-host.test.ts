import { access, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { missingPrograms } from '../helpers/programs.ts';
import { type TerraformHost, terraformHost } from './terraform-host.ts';

const missing = missingPrograms(['bash', 'curl', 'jq']);
if (missing.length > 0) process.stderr.write(`no tests of a machine's scripts: no ${missing.join(', ')}\n`);

/** Each script starts dozens of processes, and a machine under load takes its time for each. */
const PATIENCE = { timeout: 180_000 };

const SETTINGS = {
  'wharf.env': {
    env: { NODE_ENV: 'production', LOG_LEVEL: 'a "quoted" word' },
    secrets: { REDIS_URL: 'arn:redis' },
  },
  'instance.env': { env: { BIND_ADDRESS: '{private_ip}' }, secrets: {} },
  'command.env': { env: { WHARF_URL: 'https://wharf.example.com' }, secrets: { WHARF_API_KEY: 'arn:key' } },
};

/** Answers as the AWS command does, from files. */
async function aws(host: TerraformHost, settings: unknown, secrets: Record<string, string>): Promise<void> {
  await writeFile(join(host.etc, 'parameter'), JSON.stringify(settings));
  for (const [arn, value] of Object.entries(secrets)) await writeFile(join(host.etc, arn), value);
  await host.program(
    'aws',
    `case "$1" in
      ssm) cat "${host.etc}/parameter" ;;
      secretsmanager) while [ "$1" != --secret-id ]; do shift; done; cat "${host.etc}/$2" ;;
    esac`,
  );
}

const isRoot = process.getuid?.() === 0;

describe.skipIf(missing.length > 0 || !isRoot)('settings of a machine on AWS', PATIENCE, () => {
  it('are written for each process, secrets in them, readable by wharf alone', async () => {
    const host = await terraformHost({});
    await aws(host, SETTINGS, { 'arn:redis': 'rediss://:token@host:6379', 'arn:key': 'an-admin-key' });
    expect(await host.run('wharf-aws-settings')).toEqual({
      code: 0,
      out: 'command.env\ninstance.env\nwharf.env\n',
      err: '',
    });
    expect(await readFile(join(host.etc, 'wharf.env'), 'utf8')).toBe(
      'LOG_LEVEL="a \\"quoted\\" word"\nNODE_ENV=production\nREDIS_URL=rediss://:token@host:6379\n',
    );
    expect(await readFile(join(host.etc, 'instance.env'), 'utf8')).toBe('BIND_ADDRESS=10.40.128.7\n');
    expect(await readFile(join(host.etc, 'command.env'), 'utf8')).toBe(
      'WHARF_API_KEY=an-admin-key\nWHARF_URL=https://wharf.example.com\n',
    );
    const modes = await Promise.all(
      ['wharf.env', 'instance.env', 'command.env'].map(
        async (name) => (await stat(join(host.etc, name))).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o640, 0o640, 0o600]);
  });

  it('are left alone where nothing has changed, and written where a secret has', async () => {
    const host = await terraformHost({});
    await aws(host, SETTINGS, { 'arn:redis': 'one', 'arn:key': 'key' });
    await host.run('wharf-aws-settings');
    expect(await host.run('wharf-aws-settings')).toMatchObject({ code: 0, out: '' });
    await writeFile(join(host.etc, 'arn:redis'), 'two');
    expect(await host.run('wharf-aws-settings')).toMatchObject({ code: 0, out: 'wharf.env\n' });
  });

  it('stay whole where a secret cannot be read', async () => {
    const host = await terraformHost({});
    await aws(host, SETTINGS, { 'arn:redis': 'one', 'arn:key': 'key' });
    await host.run('wharf-aws-settings');
    const changed = { ...SETTINGS, 'instance.env': { env: { PORT: '1' }, secrets: { OTHER: 'arn:none' } } };
    await writeFile(join(host.etc, 'parameter'), JSON.stringify(changed));
    expect((await host.run('wharf-aws-settings')).code).not.toBe(0);
    expect(await readFile(join(host.etc, 'instance.env'), 'utf8')).toBe('BIND_ADDRESS=10.40.128.7\n');
  });

  it('never go anywhere but to settings files', async () => {
    const host = await terraformHost({});
    await aws(host, { '../passwd': { env: {} } }, {});
    expect(await host.run('wharf-aws-settings')).toMatchObject({
      code: 1,
      err: expect.stringContaining('../passwd'),
    });
    await aws(host, { 'aws.env': { env: {} } }, {});
    expect((await host.run('wharf-aws-settings')).code).toBe(1);
  });
});

describe.skipIf(missing.length > 0)('a machine that its group lets go', PATIENCE, () => {
  const STATUS = (draining: string[]) =>
    `if [ "$1" = status ]; then echo '${JSON.stringify({ fleet: { draining } })}'; fi`;

  async function leaving(draining: string[], settings: Record<string, string> = {}): Promise<TerraformHost> {
    const host = await terraformHost(settings);
    await host.program('aws', '');
    await host.program('systemctl', '');
    await host.program('wharf', STATUS(draining));
    return host;
  }

  it('drains all of its instances before it stops them, and then lets go', async () => {
    const host = await leaving([]);
    const ended = host.start('wharf-aws-leave');
    host.metadata.set('autoscaling/target-lifecycle-state', 'InService');
    await eventually(() => host.asked.filter((item) => item.endsWith('lifecycle-state')).length > 3, 60_000);
    expect((await host.calls()).filter((call) => call.includes('drain'))).toEqual([]);
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    expect(await ended).toMatchObject({ code: 0 });
    const calls = (await host.calls()).filter(
      (call) => !call.includes('heartbeat') && !call.includes('status'),
    );
    expect(calls).toEqual([
      'wharf drain instance-3 --no-wait',
      'wharf drain instance-4 --no-wait',
      'wharf drain instance-3',
      'wharf drain instance-4',
      'systemctl stop wharf-instance@*.service',
      'aws autoscaling complete-lifecycle-action --lifecycle-action-result CONTINUE --region eu-central-1 --auto-scaling-group-name wharf-test-instance-2 --lifecycle-hook-name leave --instance-id i-0123456789abcdef0',
    ]);
    await access(join(host.marks, 'instance-3'));
  });

  it('is heard of while it drains, and tries again what was refused', async () => {
    const host = await leaving([]);
    const [beaten, tried] = [join(host.etc, 'beaten'), join(host.etc, 'tried')];
    await host.program('aws', `case "$2" in record-*) touch "${beaten}" ;; esac`);
    await host.program(
      'wharf',
      `${STATUS([])}; [ "$1" != drain ] || { [ -e "${tried}" ] && [ -e "${beaten}" ]; } || { touch "${tried}"; exit 1; }`,
    );
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    expect(await host.start('wharf-aws-leave')).toMatchObject({ code: 0 });
    const calls = await host.calls();
    expect(calls).toContain(
      'aws autoscaling record-lifecycle-action-heartbeat --region eu-central-1 --auto-scaling-group-name wharf-test-instance-2 --lifecycle-hook-name leave --instance-id i-0123456789abcdef0',
    );
    expect(calls.filter((call) => call === 'wharf drain instance-3 --no-wait').length).toBeGreaterThan(1);
    expect(calls.at(-1)).toContain('complete-lifecycle-action');
  });

  it('goes all the same when the time for draining is over', async () => {
    const host = await leaving([], { WHARF_DRAIN_SECONDS: '0' });
    await host.program('wharf', 'exit 1');
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    const { code, err } = await host.start('wharf-aws-leave');
    expect(code).toBe(0);
    expect(err).toContain('taken over by others');
    expect((await host.calls()).at(-1)).toContain('complete-lifecycle-action');
  });

  it('waits for a drain no longer than it may, and is heard of no longer than that', async () => {
    const host = await leaving([], { WHARF_DRAIN_SECONDS: '6', WHARF_GRACE: '0' });
    await host.program('wharf', '[ "$1 $3" != "drain " ] || exec sleep 600');
    // Instances that do not stop while the machine is heard of: it must not be for ever.
    const beats = `$(grep -c heartbeat "${join(host.etc, '../calls')}")`;
    await host.program(
      'systemctl',
      `a=x; b=y; while [ "$a" != "$b" ]; do a=${beats}; sleep 2; b=${beats}; done`,
    );
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    const { code, err } = await host.start('wharf-aws-leave');
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('not drained in 6 s') });
    const calls = await host.calls();
    expect(calls).toContain('wharf drain instance-4 --no-wait');
    expect(calls.at(-1)).toContain('complete-lifecycle-action');
  });

  it('is not held by a share that hangs, and not heard of then', async () => {
    const host = await leaving([], { WHARF_DRAIN_SECONDS: '2', WHARF_ANSWER: '1' });
    // What touches it cannot even be killed: it is there until the end of the test.
    await host.program(
      'timeout',
      `case " $* " in
        *" test "* | *" mkdir "* | *" touch "*) while [ -e "${host.etc}" ]; do sleep 0.2; done ;;
        *) exec "$(PATH="\${PATH#*:}" command -v timeout)" "$@" ;;
      esac`,
    );
    host.metadata.set('autoscaling/target-lifecycle-state', 'InService');
    const ended = host.start('wharf-aws-leave');
    await eventually(() => host.asked.filter((item) => item.endsWith('lifecycle-state')).length > 2, 60_000);
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    const { code, err } = await ended;
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('the share does not answer') });
    const calls = (await host.calls()).filter((call) => !call.startsWith('timeout'));
    expect(calls.filter((call) => /drain|heartbeat/.test(call))).toEqual([]);
    expect(calls.at(-1)).toContain('complete-lifecycle-action');
  });

  it('marks nothing on a directory where the share should be', async () => {
    const host = await leaving([], { WHARF_DRAIN_SECONDS: '1' });
    await rm(join(host.marks, '../sessions'), { recursive: true });
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    expect(await host.start('wharf-aws-leave')).toMatchObject({ code: 0 });
    expect((await host.calls()).filter((call) => call.includes('drain'))).toEqual([]);
    await expect(access(host.marks)).rejects.toThrow();
  });

  it('drains what it may where one of its instances is refused', async () => {
    const host = await leaving([]);
    const drained = join(host.etc, 'drained');
    await host.program(
      'wharf',
      `${STATUS([])}; [ "$*" != "drain instance-4" ] || touch "${drained}"; [ "$2" != instance-3 ] || [ -e "${drained}" ]`,
    );
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    expect(await host.start('wharf-aws-leave')).toMatchObject({ code: 0 });
    const calls = await host.calls();
    expect(calls.indexOf('wharf drain instance-4')).toBeLessThan(calls.indexOf('wharf drain instance-3'));
  });

  it('leaves it to whoever drained an instance before to undo that', async () => {
    const host = await leaving(['instance-4']);
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    await host.start('wharf-aws-leave');
    await access(join(host.marks, 'instance-3'));
    await expect(access(join(host.marks, 'instance-4'))).rejects.toThrow();
  });

  it('has its drain undone by the machine that takes its place', async () => {
    const host = await leaving([]);
    host.metadata.set('autoscaling/target-lifecycle-state', 'Terminated');
    await host.start('wharf-aws-leave');
    const before = (await host.calls()).length;
    host.metadata.set('autoscaling/target-lifecycle-state', 'InService');
    // Its instances are not there at once.
    const ready = join(host.etc, 'ready');
    await host.program('wharf', `[ -e "${ready}" ]`);
    void host.start('wharf-aws-leave');
    await eventually(async () => (await host.calls()).length > before + 1, 60_000);
    await access(join(host.marks, 'instance-3'));
    await writeFile(ready, '');
    await eventually(
      () =>
        access(join(host.marks, 'instance-4')).then(
          () => false,
          () => true,
        ),
      60_000,
    );
    const undrained = (await host.calls()).slice(before).filter((call) => call.includes('undrain'));
    expect(new Set(undrained)).toEqual(new Set(['wharf undrain instance-3', 'wharf undrain instance-4']));
    await expect(access(join(host.marks, 'instance-3'))).rejects.toThrow();
  });
});

describe.skipIf(missing.length > 0)('what a machine tells CloudWatch', PATIENCE, () => {
  const told = async (host: TerraformHost) =>
    (await host.calls()).map((call) => /--metric-name (\S+) --value (\S+)/.exec(call)?.slice(1, 3));

  it('is memory, disk and whether the share answers, each by its slot', async () => {
    const host = await terraformHost({});
    await host.program('aws', '');
    expect((await host.run('wharf-aws-metrics')).code).toBe(0);
    expect(await told(host)).toEqual([
      ['MemoryUsed', expect.stringMatching(/^\d+\.\d$/)],
      ['DiskUsed', expect.stringMatching(/^\d+$/)],
      ['ShareAnswers', '1'],
    ]);
    expect((await host.calls())[0]).toContain('--dimensions Fleet=wharf-test,Role=instance,Slot=2');
  });

  it.each([
    ['wharf_backup_age_seconds 1234.5', ['BackupAge', '1234']],
    ['wharf_backup_age_seconds NaN', undefined],
    ['', undefined],
  ])('of backups is how old the last one is: %s', async (line, expected) => {
    const server = createServer((_request, response) => response.end(`# HELP x y\nother 1\n${line}\n`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const host = await terraformHost({ WHARF_ROLE: 'backup', WHARF_BACKUP_URL: url });
    await host.program('aws', '');
    await host.run('wharf-aws-metrics');
    expect((await told(host))[3]).toEqual(expected);
  });
});

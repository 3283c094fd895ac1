import type { Fleet } from '../machines/fleet.ts';
import type { Results } from '../results.ts';

/** Sessions are linked; their browsers run as the user wharf, in Chromium's sandbox. */
export async function link(fleet: Fleet, results: Results): Promise<void> {
  for (const { qr, ready } of await fleet.link()) {
    results.took('qr', 'a session is created: its QR', qr);
    results.took('linked', 'the QR is scanned: ready', ready);
  }
  await fleet.settle();
  for (const unit of fleet.instances) {
    const renderers = (await unit.processes()).filter(({ command }) => command.includes('--type=renderer'));
    results.rule(renderers.length > 0, `${unit.name} has no pages`);
    for (const { pid } of renderers) {
      const text = await unit.machine.sh(`
        grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp|NSpid):' /proc/${pid}/status
        [ "$(readlink /proc/${pid}/ns/user)" != "$(readlink /proc/1/ns/user)" ] && echo 'own user namespace'
        [ "$(readlink /proc/${pid}/ns/net)" != "$(readlink /proc/1/ns/net)" ] && echo 'own network namespace'
        true
      `);
      results.rule(!/^Uid:\t0\b/m.test(text), `a page of ${unit.name} runs as root`);
      results.rule(/^NoNewPrivs:\t1$/m.test(text), `a page of ${unit.name} may gain privileges`);
      results.rule(
        /^Seccomp:\t2$/m.test(text),
        `a page of ${unit.name} runs without a filter of system calls`,
      );
      // A process in a process namespace of its own has several numbers.
      results.rule(
        /^NSpid:\t\d+\t\d+/m.test(text) && text.includes('own user') && text.includes('own network'),
        `a page of ${unit.name} is not in Chromium's sandbox:\n${text}`,
      );
    }
  }
  results.fact("Chromium's sandbox", 'on: each page in user, process and network namespaces of its own');
}

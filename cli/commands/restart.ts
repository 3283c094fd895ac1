import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import type { RouterClient } from '../client.ts';
import { type CommandContext, isJson } from '../context.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import { hasLeft } from '../fleet-view.ts';
import { askFleet, instancePath } from '../operations/instances.ts';
import { Progress } from '../operations/progress.ts';
import { restartOneByOne } from '../operations/rolling-restart.ts';
import { count } from '../output/text.ts';

interface Options {
  rolling?: boolean;
  since?: Date;
}

/** `wharf restart`: all instances one after another, or one as it is. */
export function addRestartCommand(parent: Command, context: CommandContext): void {
  parent
    .command('restart')
    .description(
      'restart instances: with --rolling one after another, each empty meanwhile, so that no request fails',
    )
    .argument('[instances...]', 'which; with --rolling all where none is named')
    .option('--rolling', 'empty each before, and bring back what was on it')
    .option(
      '--since <time>',
      'pass over those that have started since then: to go on after an interruption',
      time,
    )
    .addHelpText(
      'after',
      '\nWithout --rolling one instance is restarted as it is: its sessions are away until it is back.\nCtrl-C ends a rolling restart safely; the time to go on with is printed as it begins.\n\nExamples:\n  $ wharf restart --rolling\n  $ wharf restart --rolling --since 2026-11-22T10:00:00Z\n  $ wharf restart instance-2',
    )
    .action(async (instances: string[], options: Options, command: Command) => {
      if (options.rolling) await rolling(context, command, instances, options.since);
      else await single(context, command, instances, options);
    });
}

async function single(
  context: CommandContext,
  command: Command,
  instances: string[],
  { since }: Options,
): Promise<void> {
  const [instance, ...others] = instances;
  if (instance === undefined || others.length > 0 || since !== undefined) {
    throw new CommandFailure('Name one instance, or restart several with --rolling.', {
      code: 'wrong_use',
      exitCode: EXIT_WRONG_USE,
    });
  }
  const router = await context.router(command);
  await router.ask(z.unknown(), { method: 'POST', path: instancePath(instance, 'restart') });
  context.show(
    command,
    { instance, restarting: true },
    () => `${instance} restarts. Follow with: wharf status\n`,
  );
}

async function rolling(
  context: CommandContext,
  command: Command,
  instances: string[],
  since: Date | undefined,
): Promise<void> {
  const { signal } = context.terminal;
  const router = await context.router(command);
  const progress = new Progress(context, isJson(command));
  const ids = instances.length > 0 ? instances : await allInstances(router, signal);
  const begun = since ?? context.terminal.now();
  progress.say(`To go on after an interruption: wharf restart --rolling --since ${begun.toISOString()}`);
  const afterStop = await context.router(command, new AbortController().signal);
  const restarted = await restartOneByOne({ router, afterStop, signal, progress }, ids, since);
  context.show(command, { restarted }, () => `${count(restarted.length, 'instance')} restarted.\n`);
}

async function allInstances(router: RouterClient, signal: AbortSignal): Promise<string[]> {
  const fleet = await askFleet(router, signal);
  return fleet.instances.filter((instance) => !hasLeft(instance)).map(({ id }) => id);
}

function time(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('It must be a time such as 2026-11-22T10:00:00Z.');
  return date;
}

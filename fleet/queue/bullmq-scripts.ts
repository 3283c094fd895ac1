import {
  addDelayedJob,
  addPrioritizedJob,
  cleanJobsInSet,
  moveJobFromActiveToWait,
  moveToFinished,
  promote,
} from 'bullmq/dist/cjs/scripts/index.js';

/** The steps of BullMQ that ours are made of. */
const SCRIPTS = [
  addDelayedJob,
  addPrioritizedJob,
  cleanJobsInSet,
  moveJobFromActiveToWait,
  moveToFinished,
  promote,
];

/**
 * BullMQ's own scripts as Lua functions `bull.NAME(KEYS, ARGV)`, for our commands to call: so a job changes its state by BullMQ's code, in one step with what
 * must happen with it (limits, fencing, the state of the message). What is written to a key that is called '' goes nowhere: BullMQ's streams of events, markers
 * for blocking workers and the like, which nobody reads here, and which would be half of the commands in Redis and in its file.
 *
 * The scripts are not part of BullMQ's documented interface: its version is pinned, and `bullmq-layout.test.ts` reads our queues with BullMQ's own `Queue`.
 */
export function bullmqLua(): string {
  const functions = SCRIPTS.map(
    ({ name, content }) => `bull.${name} = function(KEYS, ARGV)\n${content}\nend\n`,
  );
  return `local bull = {}
do
local server = redis
local nothing = {}
local redis = {
  call = function(command, key, ...)
    if key == '' then
      return nothing
    end
    return server.call(command, key, ...)
  end,
}
${functions.join('')}end
`;
}

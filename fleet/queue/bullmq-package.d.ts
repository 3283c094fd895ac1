/** BullMQ ships its scripts without types beside what Node can load. */
declare module 'bullmq/dist/cjs/scripts/index.js' {
  interface Script {
    readonly name: string;
    /** Lua. */
    readonly content: string;
  }
  export const addDelayedJob: Script;
  export const addPrioritizedJob: Script;
  export const cleanJobsInSet: Script;
  export const moveJobFromActiveToWait: Script;
  export const moveToFinished: Script;
  export const promote: Script;
}

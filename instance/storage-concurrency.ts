/**
 * How many workspaces are looked at on the storage at one time when an instance starts: each costs a few round trips to a network file
 * system, and Node's four file threads serve them.
 */
export const STORAGE_CONCURRENCY = 16;

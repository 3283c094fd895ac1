import type { OperationHandle, OperationProgress } from '../../backup/operations.ts';

/** An operation that keeps what it is told. */
export class ToldOperation implements OperationHandle {
  readonly id = 'operation-1';
  readonly signal: AbortSignal;
  readonly findings: string[] = [];
  progress: Partial<OperationProgress> = {};

  constructor(signal: AbortSignal = new AbortController().signal) {
    this.signal = signal;
  }

  set = (progress: Partial<OperationProgress>): void => {
    this.progress = { ...this.progress, ...progress };
  };

  find = (text: string): void => {
    this.findings.push(text);
  };
}

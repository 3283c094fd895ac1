import { z } from 'zod';
import { hoursVariable, integerVariable } from '../../common/config.ts';
import { isWorkspaceId, type WorkspaceId } from '../../fleet/ids.ts';
import type { InactivityRules } from './inactivity-plan.ts';

const DAY = 24 * 60 * 60_000;
const MEGABYTE = 1024 ** 2;

const daysVariable = integerVariable(0, 3650).default(0);

/** Workspaces, with commas between them. */
const workspacesVariable = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((id) => id.trim())
      .filter((id) => id !== ''),
  )
  .refine((ids) => ids.every(isWorkspaceId), 'must be ids of workspaces with commas between them');

/** The variables of an instance's environment that are about housekeeping. */
export const housekeepingVariables = {
  WHATSAPP_SOFT_RESTART_HOURS: hoursVariable.default(DAY),
  WHATSAPP_SESSION_MEMORY_LIMIT: integerVariable(0, 1_000_000).default(1024),
  WHATSAPP_INACTIVE_WARN_DAYS: daysVariable,
  WHATSAPP_INACTIVE_STOP_DAYS: daysVariable,
  WHATSAPP_INACTIVE_DELETE_DAYS: daysVariable,
  WHATSAPP_INACTIVE_KEEP_WORKSPACES: workspacesVariable.default([]),
};

type Values = z.infer<z.ZodObject<typeof housekeepingVariables>>;

/** How an instance keeps itself in order. */
export interface HousekeepingConfig {
  /** Milliseconds from which a browser is restarted; 0: never for its age. */
  restartAge: number;
  /** Bytes from which a session's browser is restarted; 0: never for its memory alone. */
  sessionMemory: number;
  inactive: InactivityRules;
  /** Workspaces whose sessions are kept however long nobody uses them. */
  keptWorkspaces: ReadonlySet<WorkspaceId>;
}

/** Makes the configuration of variables that were checked, and adds the faults that lie between them. */
export function housekeepingConfig(
  values: Values,
  fault: (variable: string, message: string) => void,
): HousekeepingConfig {
  const warn = values.WHATSAPP_INACTIVE_WARN_DAYS;
  const stop = values.WHATSAPP_INACTIVE_STOP_DAYS;
  const remove = values.WHATSAPP_INACTIVE_DELETE_DAYS;
  if (stop > 0 && (warn === 0 || warn >= stop))
    fault('WHATSAPP_INACTIVE_STOP_DAYS', 'needs WHATSAPP_INACTIVE_WARN_DAYS, and fewer days there');
  if (remove > 0 && (warn === 0 || warn >= remove || stop >= remove))
    fault(
      'WHATSAPP_INACTIVE_DELETE_DAYS',
      'needs WHATSAPP_INACTIVE_WARN_DAYS, and fewer days there and in WHATSAPP_INACTIVE_STOP_DAYS',
    );
  return {
    restartAge: values.WHATSAPP_SOFT_RESTART_HOURS,
    sessionMemory: values.WHATSAPP_SESSION_MEMORY_LIMIT * MEGABYTE,
    inactive: { warn: warn * DAY, stop: stop * DAY, delete: remove * DAY },
    keptWorkspaces: new Set(values.WHATSAPP_INACTIVE_KEEP_WORKSPACES),
  };
}

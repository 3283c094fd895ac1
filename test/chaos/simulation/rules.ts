import type { ClaimStore } from '../../../fleet/claims.ts';
import type { Coordination } from '../../../fleet/coordination.ts';
import { OWNERSHIP_TIMES, type OwnershipTimes } from '../../../fleet/ownership-times.ts';
import { PROOF_POLICY, type ProofPolicy } from '../../../instance/supervisor/authority.ts';

/** The rules that ownership stands on, as the simulated processes follow them. */
export interface Rules {
  times: OwnershipTimes;
  policy: ProofPolicy;
  claims: (store: ClaimStore) => ClaimStore;
  coordination: (coordination: Coordination) => Coordination;
}

/** The right ones. */
export const RULES: Rules = {
  times: OWNERSHIP_TIMES,
  policy: PROOF_POLICY,
  claims: (store) => store,
  coordination: (coordination) => coordination,
};

import { ApiError } from '../api/transport.ts';
import { Icon } from './icon.tsx';

/** Why something did not work, read out at once. */
export function Problem({ error }: { error: Error | null }) {
  if (error === null) return null;
  const known = error instanceof ApiError ? error : undefined;
  return (
    <div class="problem" role="alert">
      <Icon name="alert" />
      <div>
        <p>{error.message}</p>
        {known && (
          <p class="problem-code">
            {known.code}
            {known.requestId && ` · request ${known.requestId}`}
          </p>
        )}
      </div>
    </div>
  );
}

/** Why a view cannot be shown; not that the router is away, which is said once, above all views. */
export function ViewProblem({ error }: { error: Error | null }) {
  if (error instanceof ApiError && error.isUnreachable) return null;
  return <Problem error={error} />;
}

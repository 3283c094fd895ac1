// Whether the process in this container is well, by its own /health. For HEALTHCHECK: exit code 0 or 1, and the reason in one line.
const port = process.env.PORT ?? '3000';
try {
  const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(4000) });
  process.stdout.write(`/health answers ${answer.status}\n`);
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`/health on port ${port} does not answer: ${error.cause?.code ?? error.message}\n`);
  process.exitCode = 1;
}

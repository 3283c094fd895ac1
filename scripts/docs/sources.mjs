/**
 * Gives whatever it is asked for: more of itself. A route's description is there as soon as the route is made, and what stands behind the
 * route is only asked when a request comes.
 */
const nothing = new Proxy(() => undefined, { get: () => nothing, apply: () => nothing });

/**
 * The OpenAPI document of a router, without a router.
 *
 * @param {{allRoutes: Function, openApiDocument: Function}} parts of router/http/routes and router/openapi/document
 */
export function describedApi({ allRoutes, openApiDocument }) {
  return openApiDocument(allRoutes(nothing));
}

/**
 * The `wharf` program, to be looked at.
 *
 * @param {{buildProgram: Function, CommandContext: Function}} parts of cli/program and cli/context
 * @returns {import('commander').Command}
 */
export function describedProgram({ buildProgram, CommandContext }) {
  const silent = { env: {}, color: false, interactive: false, out: () => {}, err: () => {} };
  return buildProgram(new CommandContext(silent), '');
}

import { fieldsOf, formsOf, limitsOf, nameOf, typeOf } from './json-schema.mjs';

/**
 * The HTTP API as a document for people, from the OpenAPI document of a router.
 *
 * @param {object} api what `/openapi.json` answers
 * @param {Record<string, {body?: object, answer?: object}>} examples by operation id
 * @returns {string} Markdown
 */
export function apiReference(api, examples) {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const tags = api.tags.map(({ name }) => name);
  const schemas = Object.entries(api.components.schemas);
  return [
    '# API reference',
    `Version ${api.info.version}. Made by \`npm run docs:api\` from the schemas that check the requests; a running router serves the same at \`/openapi.json\`, and at \`/docs\` to be tried out.`,
    api.info.description,
    'Send a key as `Authorization: Bearer KEY` or `X-Api-Key: KEY`. A workspace key sees its workspace alone; what says *admin* takes an admin key. Unknown fields are refused. Errors and what to do about them: [errors.md](errors.md).',
    `On this page: ${tags.map((tag) => `[${tag}](#${anchor(tag)})`).join(', ')}, [shapes](#shapes).`,
    ...tags.flatMap((tag) => {
      const own = operations.filter(({ operation }) => operation.tags.includes(tag));
      return [`## ${tag}`, overview(own), ...own.map((one) => describe(one, examples))];
    }),
    '## Shapes',
    'Bodies and answers that have a name. *Needed* is said of what is sent; an answer has all of its fields but those marked *may be absent*.',
    ...schemas.flatMap(([name, schema]) => [
      `### Shape: ${name}`,
      shape(schema, bodyNames(operations).has(name)),
    ]),
  ]
    .join('\n\n')
    .concat('\n');
}

const anchor = (heading) => heading.toLowerCase().replaceAll(' ', '-');

/** Shapes that are sent, with what they are made of. */
function bodyNames(operations) {
  return new Set(
    operations.map(({ operation }) => nameOf(jsonOf(operation.requestBody) ?? {})).filter(Boolean),
  );
}

const jsonOf = (place) => place?.content?.['application/json']?.schema;

function overview(operations) {
  const rows = operations.map(
    ({ method, path, operation }) =>
      `| \`${method} ${path}\` | ${cell(operation.summary)}${operation.description ? ' *(admin)*' : ''}${operation.security?.length === 0 ? ' *(no key)*' : ''} |`,
  );
  return ['| | |', '|---|---|', ...rows].join('\n');
}

function describe({ method, path, operation }, examples) {
  const parts = [`### ${method} ${path}`, `${operation.summary}.`];
  if (operation.deprecated) parts.push('An older name, kept for older callers.');
  const rows = (operation.parameters ?? [])
    .filter(isWorthTelling)
    .map(({ name, in: place, required, schema, description }) =>
      row(`\`${name}\``, place, required === true, schema, description),
    );
  if (rows.length > 0) parts.push(['| parameter | in | type | |', '|---|---|---|---|', ...rows].join('\n'));
  parts.push(...bodyOf(operation), ...exampleOf(method, path, operation, examples[operation.operationId]));
  parts.push(answersOf(operation));
  return parts.join('\n\n');
}

/** Whether the path does not say it all already. */
function isWorthTelling({ in: place, description, schema }) {
  return place !== 'path' || description !== undefined || typeOf(schema) !== 'string';
}

function row(first, second, needed, schema, description) {
  const says = [needed ? 'needed' : '', ...limitsOf(schema), description ?? schema.description ?? ''];
  return `| ${first} | ${second} | ${cell(typeOf(schema))} | ${cell(says.filter(Boolean).join('; '))} |`;
}

function bodyOf(operation) {
  const schema = jsonOf(operation.requestBody);
  if (schema === undefined)
    return operation.requestBody === undefined ? [] : [`Body: ${operation.requestBody.description}`];
  if (nameOf(schema) !== undefined) return [`Body: ${typeOf(schema)}`];
  return fieldsOf(schema).length === 0 ? [] : ['Body:', shape(schema, true)];
}

function exampleOf(method, path, operation, example) {
  if (example === undefined) return [];
  const request = example.body === undefined ? '' : `\n\n${JSON.stringify(example.body)}`;
  const [status] = Object.keys(operation.responses).filter((code) => Number(code) < 400);
  const answer = example.answer === undefined ? '' : `\n\n${status} ${JSON.stringify(example.answer)}`;
  return [`\`\`\`http\n${method} ${example.path ?? path}${request}${answer}\n\`\`\``];
}

function answersOf(operation) {
  const rows = Object.entries(operation.responses)
    .filter(([status]) => status !== 'default')
    .map(([status, { description, content = {} }]) => {
      const types = Object.keys(content).filter((type) => !/^application\/(problem\+)?json$/.test(type));
      const schema = jsonOf({ content });
      const isNew = schema !== undefined && Number(status) < 400;
      const what = [isNew ? typeOf(schema) : '', ...types.map((type) => `\`${type}\``)].filter(Boolean);
      return `| ${status} | ${cell(description)} | ${cell(what.join(', '))} |`;
    });
  return ['| answer | | |', '|---|---|---|', ...rows].join('\n');
}

/** @param isSent whether it is a body: then its fields say whether they are needed */
function shape(schema, isSent) {
  const forms = formsOf(schema);
  if (forms !== undefined) return shapeOfForms(forms);
  if (schema.properties === undefined)
    return [typeOf(schema), ...limitsOf(schema), schema.description ?? ''].filter(Boolean).join('; ');
  return table(
    fieldsOf(schema).map(({ path, needed, schema: field, holdsFields }) =>
      fieldRow(path, field, holdsFields, note(needed, isSent)),
    ),
  );
}

function note(needed, isSent) {
  if (isSent) return needed ? 'needed' : '';
  return needed ? '' : 'may be absent';
}

/** One of several objects: what each needs, then all fields there are. */
function shapeOfForms(forms) {
  const needs = forms.map(({ required = [] }) => required.map((name) => `\`${name}\``).join(' and '));
  const fields = new Map();
  for (const form of forms)
    for (const field of fieldsOf(form)) {
      const before = fields.get(field.path);
      if (before === undefined || (field.needed && !before.needed)) fields.set(field.path, field);
    }
  const rows = [...fields.values()].map(({ path, schema, holdsFields }) =>
    fieldRow(path, schema, holdsFields, ''),
  );
  return `One of these forms, by what it needs: ${needs.join('; ')}.\n\n${table(rows)}`;
}

function fieldRow(path, schema, holdsFields, says) {
  const type = holdsFields ? (schema.type === 'array' ? 'list' : 'object') : typeOf(schema);
  const words = [says, ...limitsOf(schema), schema.description ?? ''].filter(Boolean).join('; ');
  return `| \`${path}\` | ${cell(type)} | ${cell(words)} |`;
}

const table = (rows) => ['| field | type | |', '|---|---|---|', ...rows].join('\n');

/** Text as a table's cell may hold it. */
function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

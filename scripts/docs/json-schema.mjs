/**
 * What a JSON Schema says, in the few words of a table's cell.
 */

const NAMED = /^#\/components\/schemas\/(.+)$/;

/** The name of a schema that others refer to. @returns {string | undefined} */
export function nameOf(schema) {
  return NAMED.exec(schema?.$ref ?? '')?.[1];
}

/** Where a named schema stands on the page: apart from headings of the same word. */
const anchorOf = (name) => `shape-${name.toLowerCase()}`;

/** The type of a value: `integer`, `"a" or "b"`, `[Session](#session), ...`. */
export function typeOf(schema) {
  const name = nameOf(schema);
  if (name !== undefined) return `[${name}](#${anchorOf(name)})`;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return [...new Set(options.map(typeOf))].join(' or ');
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.format === 'date-time') return 'time';
  if (schema.format === 'binary') return 'bytes';
  return schema.type ?? 'any';
}

const code = (value) => `\`${JSON.stringify(value)}\``;

/** Limits beyond the type, such as `1 to 1000`, and the default. @returns {string[]} */
export function limitsOf(schema) {
  const limits = [];
  const range = between(schema.minimum, schema.maximum);
  if (range !== undefined) limits.push(range);
  const length = between(schema.minLength, schema.maxLength);
  // Where a pattern says it too, the length is in there.
  if (length !== undefined && schema.format === undefined) limits.push(`${length} characters`);
  const items = between(schema.minItems, schema.maxItems);
  if (items !== undefined) limits.push(`${items} of them`);
  if (schema.default !== undefined && schema.default !== null) limits.push(`default ${code(schema.default)}`);
  return limits;
}

/** A range as words; undefined where it is only what numbers can hold anyway. */
function between(least, most) {
  const low = least !== undefined && least > Number.MIN_SAFE_INTEGER ? least : undefined;
  const high = most !== undefined && most < Number.MAX_SAFE_INTEGER ? most : undefined;
  if (low === undefined && high === undefined) return undefined;
  if (high === undefined) return low === 0 ? undefined : `at least ${low}`;
  return low === undefined || low === high ? `at most ${high}` : `${low} to ${high}`;
}

/** The part of a schema that has fields: itself, or what a list or `... or null` holds; else undefined. */
function objectOf(schema) {
  if (nameOf(schema) !== undefined) return undefined;
  if (schema.properties !== undefined) return { schema, suffix: '' };
  if (schema.type === 'array') {
    const inner = objectOf(schema.items ?? {});
    return inner && { schema: inner.schema, suffix: `[]${inner.suffix}` };
  }
  const others = (schema.anyOf ?? []).filter((option) => option.type !== 'null');
  if (others.length === 1) return objectOf(others[0]);
  const forms = formsOf({ anyOf: others });
  return forms && { schema: merged(forms), suffix: '' };
}

/** All fields of several forms. */
function merged(forms) {
  return { properties: Object.assign({}, ...forms.map((form) => form.properties)) };
}

/**
 * The fields of an object, those of objects within it by their path: `error.code`, `items[].id`.
 *
 * @returns {{path: string, needed: boolean, schema: object, holdsFields: boolean}[]}
 */
export function fieldsOf(schema, before = '') {
  const fields = [];
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = `${before}${name}`;
    const inner = objectOf(field);
    fields.push({
      path,
      needed: (schema.required ?? []).includes(name),
      schema: field,
      holdsFields: inner !== undefined,
    });
    if (inner !== undefined) fields.push(...fieldsOf(inner.schema, `${path}${inner.suffix}.`));
  }
  return fields;
}

/** The forms of a body that may be of several: objects, none of them null. @returns {object[] | undefined} */
export function formsOf(schema) {
  const options = schema.anyOf ?? schema.oneOf;
  if (
    options === undefined ||
    options.length === 0 ||
    options.some((option) => option.properties === undefined)
  )
    return undefined;
  return options;
}

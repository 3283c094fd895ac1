import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CommandContext } from '../../cli/context.ts';
import { buildProgram } from '../../cli/program.ts';
import { allRoutes } from '../../router/http/routes.ts';
import { openApiDocument } from '../../router/openapi/document.ts';
import { apiReference } from '../../scripts/docs/api-reference.mjs';
import { cliReference, leavesOf } from '../../scripts/docs/cli-reference.mjs';
import { examples } from '../../scripts/docs/examples.mjs';
import { fieldsOf, limitsOf, typeOf } from '../../scripts/docs/json-schema.mjs';
import { describedApi, describedProgram } from '../../scripts/docs/sources.mjs';
import { startFleet } from '../helpers/router.ts';

const read = (path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const api = describedApi({ allRoutes, openApiDocument });
const program = describedProgram({ buildProgram, CommandContext });

describe('docs/api.md', () => {
  let fleet;
  beforeAll(async () => {
    fleet = await startFleet();
  });
  afterAll(() => fleet.close());

  it('is up to date: else npm run docs:api', async () => {
    expect(await read('docs/api.md')).toBe(apiReference(api, examples));
  });

  it('is made of what a running router serves', async () => {
    const { text } = await fleet.ask('GET', '/openapi.json', { key: null });
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(api)));
  });

  it('has a heading for every operation and every shape it links to', async () => {
    const document = await read('docs/api.md');
    for (const [path, methods] of Object.entries(api.paths))
      for (const method of Object.keys(methods))
        expect(document).toContain(`\n### ${method.toUpperCase()} ${path}\n`);
    for (const name of Object.keys(api.components.schemas))
      expect(document).toContain(`\n### Shape: ${name}\n`);
  });

  it('shows requests and answers that the schemas take', () => {
    const operations = Object.values(api.paths).flatMap((methods) => Object.values(methods));
    for (const [id, { body, answer }] of Object.entries(examples)) {
      const operation = operations.find(({ operationId }) => operationId === id);
      expect(operation, id).toBeDefined();
      const answers = Object.entries(operation.responses).filter(([status]) => Number(status) < 400);
      const told = answers[0][1].content['application/json'];
      for (const [value, place] of [
        [body, operation.requestBody?.content['application/json']],
        [answer, told],
      ])
        if (value !== undefined) expect(() => schemaOf(place.schema).parse(value), id).not.toThrow();
    }
  });

  function schemaOf(schema) {
    return z.fromJSONSchema(
      JSON.parse(
        JSON.stringify({ ...schema, $defs: api.components.schemas }).replaceAll(
          '#/components/schemas/',
          '#/$defs/',
        ),
      ),
    );
  }
});

describe('docs/cli.md', () => {
  it('is up to date: else npm run docs:api', async () => {
    expect(await read('docs/cli.md')).toBe(cliReference(program));
  });

  it('tells of every command', async () => {
    const document = await read('docs/cli.md');
    const commands = leavesOf(program);
    expect(commands.length).toBeGreaterThan(40);
    for (const { words } of commands) expect(document).toContain(`\n## ${words}\n`);
  });
});

describe('a schema in words', () => {
  it.each([
    [{ type: 'integer', minimum: 0, maximum: 9007199254740991 }, 'integer', []],
    [{ type: 'integer', minimum: 1, maximum: 1000, default: 100 }, 'integer', ['1 to 1000', 'default `100`']],
    [{ anyOf: [{ type: 'string', maxLength: 9 }, { type: 'null' }] }, 'string or null', []],
    [
      { type: 'array', items: { $ref: '#/components/schemas/Key' }, minItems: 1 },
      'list of [Key](#shape-key)',
      ['at least 1 of them'],
    ],
    [{ enum: ['a', 'b'] }, '`"a"`, `"b"`', []],
  ])('%j is %s', (schema, type, limits) => {
    expect([typeOf(schema), limitsOf(schema)]).toEqual([type, limits]);
  });

  it('names fields of objects within lists and beside null by their path', () => {
    const error = { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] };
    const schema = {
      properties: { error: { anyOf: [error, { type: 'null' }] }, items: { type: 'array', items: error } },
      required: ['items'],
    };
    expect(fieldsOf(schema).map(({ path, needed }) => [path, needed])).toEqual([
      ['error', false],
      ['error.code', true],
      ['items', true],
      ['items[].code', true],
    ]);
  });
});

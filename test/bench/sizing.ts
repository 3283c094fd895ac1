import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { pricesSchema } from './sizing/cost.ts';
import { sizingTables } from './sizing/tables.ts';

/** `npm run sizing [-- --prices FILE]`: memory and cost of the examples of infra/terraform, as they stand in docs/aws.md. */
const { values } = parseArgs({
  options: { prices: { type: 'string', default: 'infra/terraform/prices.json' } },
});
const prices = pricesSchema.parse(JSON.parse(await readFile(values.prices, 'utf8')));
process.stdout.write(`${sizingTables(prices)}\n`);

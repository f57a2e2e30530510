/** Strategy: whole pipelines as users write them, over generated files, against the same computed with plain arrays. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { Stream } from '../../src/stream/stream.ts';
import { Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

interface Sale {
  readonly date: string;
  readonly product_id: string;
  readonly category: string;
  readonly price: string;
  readonly quantity: string;
  readonly amount: string;
  readonly value: string;
  readonly status: string;
}

const folder = scratch();
const csv = join(folder, 'sales.csv');
const jsonl = join(folder, 'products.jsonl.gz');
let sales: Sale[] = [];
let products: { id: number; revenue: number; in_stock: boolean }[] = [];

before(async (t) => {
  const random = new Random(seedOf(t as never));
  sales = Array.from({ length: 30_000 }, () => ({
    date: `2023-${String(1 + random.below(12)).padStart(2, '0')}-01`,
    product_id: `p${random.below(400)}`,
    category: random.pick(['toys', 'books', 'garden, "and more"', 'food\nand drink']),
    price: (random.below(1000) / 4).toString(),
    quantity: String(random.below(9)),
    amount: String(random.below(500) - 50),
    value: String(random.below(400)),
    status: random.pick(['completed', 'open']),
  }));
  products = Array.from({ length: 20_000 }, (_, id) => ({ id, revenue: random.below(1e6), in_stock: random.once(2) }));
  await Stream.from(sales).toCSV(csv);
  await Stream.from(products).toJSONL(jsonl);
});

async function sumOf(rows: AsyncIterable<{ revenue: number }>): Promise<number> {
  let sum = 0;
  for await (const { revenue } of rows) sum += revenue;
  return sum;
}

test('filter, derive, group, write', async () => {
  const out = join(folder, 'processed.csv');
  await Stream.fromCSV(csv)
    .filter((r) => Number(r.value) > 100)
    .map((r) => ({ category: r.category, value: Number(r.value) * 1.1 }))
    .groupBy('category')
    .toCSV(out);
  const wanted = sales
    .filter((r) => Number(r.value) > 100)
    .map((r) => ({ category: r.category, value: String(Number(r.value) * 1.1) }))
    .toSorted((a, b) => (a.category < b.category ? -1 : a.category > b.category ? 1 : 0));
  assert.deepEqual(await Stream.fromCSV(out).collect(), wanted);
});

test('monthly summary', async () => {
  const out = join(folder, 'monthly_summary.csv');
  await Stream.fromCSV(csv)
    .filter((r) => Number(r.amount) > 0)
    .map((r) => ({ month: r.date!.slice(0, 7), amount: Number(r.amount) }))
    .groupBy('month')
    .toCSV(out);
  const lines = readFileSync(out, 'utf8').trim().split('\n');
  assert.equal(lines[0], 'month,amount');
  assert.equal(lines.length - 1, sales.filter((r) => Number(r.amount) > 0).length);
  const months = lines.slice(1).map((line) => line.slice(0, 7));
  assert.deepEqual(months, months.toSorted());
});

test('top products', async () => {
  const top = await Stream.fromJSONL(jsonl).filter((p) => p.in_stock).sort({ by: 'revenue', descending: true }).take(100).collect();
  assert.deepEqual(top, products.filter((p) => p.in_stock).toSorted((a, b) => b.revenue - a.revenue).slice(0, 100));
});

test('groups ordered by an aggregate', async () => {
  const top = await Stream.fromCSV(csv)
    .filter((r) => r.status === 'completed')
    .map((r) => ({ product: r.product_id!, revenue: Number(r.price) * Number(r.quantity) }))
    .groupBy('product')
    .map(async ([product, rows]) => ({ product, revenue: await sumOf(rows) }))
    .sort({ by: 'revenue', descending: true })
    .take(10)
    .collect();
  const sums = new Map<string, number>();
  for (const r of sales.filter(({ status }) => status === 'completed')) sums.set(r.product_id, (sums.get(r.product_id) ?? 0) + Number(r.price) * Number(r.quantity));
  const wanted = [...sums].map(([product, revenue]) => ({ product, revenue })).toSorted((a, b) => (a.product < b.product ? -1 : 1)).toSorted((a, b) => b.revenue - a.revenue).slice(0, 10);
  assert.deepEqual(top, wanted);
});

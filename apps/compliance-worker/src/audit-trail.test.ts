import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { leafOf, nextHead } from '@hansard/compliance-event'
import { appendAudit, auditHead } from '@hansard/staging'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CHECK_AUDIT_EVERY_MS } from './check-audit.ts'
import { type Bench, MINUTE, openBench, statusOf, story, T0 } from './worker-in-test.ts'

const VERIFIER = fileURLToPath(new URL('../../../docs/verify.py', import.meta.url))

let bench: Bench
beforeEach(async () => {
  bench = await openBench()
})
afterEach(() => bench[Symbol.asyncDispose]())

const worker = () => bench.worker({ signingKey: { file: join(bench.directory, 'keys', 'signing-keys.json') } })
const add = (object: string) =>
  appendAudit(bench.db.knex, { at: 1, actor: 'ann', action: 'show-export', object, detail: {} })
const poolManifests = async () => {
  const names = (await readdir(join(bench.directory, 'pool'))).filter((name) => name.endsWith('.json')).sort()
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(bench.directory, 'pool', name), 'utf8'))))
}
const alarm = async () => (await statusOf(bench)).auditProblem
/** Somebody who owns the compliance database alters a record, and makes every head after it agree. */
async function rewrite(number: number, object: string): Promise<void> {
  const records = bench.db.knex('audit_record')
  await records.clone().where({ number }).update({ object })
  let { head } = await records
    .clone()
    .where({ number: number - 1 })
    .first('head')
  for (const row of await records.clone().where('number', '>=', number).orderBy('number')) {
    const leaf = leafOf(JSON.stringify([row.number, row.at, row.actor, row.action, row.object, row.detail]))
    head = nextHead(head, leaf)
    await records.clone().where({ id: row.id }).update({ leaf, head })
  }
  await bench.db.knex('audit_chain').update({ head })
}

it('goes into every signed pool manifest with its newest number and head', async () => {
  const sources = story(bench)
  await using running = await worker()
  await add('xml/1')
  const before = await auditHead(bench.db)
  await bench.deliver(T0 + MINUTE, sources)
  await running.drain()
  await add('xml/2')
  const after = await auditHead(bench.db)
  await bench.deliver(T0 + 2 * MINUTE, sources)
  await running.drain()

  expect((await poolManifests()).map(({ audit }) => audit)).toEqual([before, after])
  const verified = await new Promise<number>((resolve) =>
    execFile('python3', [VERIFIER, bench.directory], (error) => resolve(error ? Number(error.code) : 0)),
  )
  expect(verified).toBe(0)
})

it('raises an alarm when a record was removed, until it is back', async () => {
  await using running = await worker()
  for (const object of ['xml/1', 'xml/2', 'xml/3']) await add(object)
  await running.drain()
  expect(await alarm()).toBeNull()
  const rows = await bench.db.knex('audit_record').where('number', '>=', 2).andWhere('number', '<=', 3)
  await bench.db.knex('audit_record').where('number', '>=', 2).andWhere('number', '<=', 3).delete()
  bench.clock.advance({ ms: CHECK_AUDIT_EVERY_MS - 1 })
  await running.drain()
  expect(await alarm()).toBeNull()

  bench.clock.advance({ ms: 1 })
  await running.drain()

  expect(await alarm()).toBe('Records 2 to 3 of the audit trail are missing.')
  await bench.db.knex('audit_record').insert(rows)
  bench.clock.advance({ ms: CHECK_AUDIT_EVERY_MS })
  await running.drain()
  expect(await alarm()).toBeNull()
})

it('raises an alarm when records were rewritten after an interval was sealed, though they agree with each other', async () => {
  const sources = story(bench)
  await using running = await worker()
  for (const object of ['xml/1', 'xml/2', 'xml/3']) await add(object)
  await bench.deliver(T0 + MINUTE, sources)
  await running.drain()
  await rewrite(2, 'xml/9')

  bench.clock.advance({ ms: CHECK_AUDIT_EVERY_MS })
  await running.drain()

  expect(await alarm()).toMatch(/the pool manifest of interval 1 has .*: records up to it were rewritten\.$/)
})

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseManifest } from '@hansard/evidence'
import { addRequest, findExport, findRequest } from '@hansard/staging'
import { expect, it } from 'vitest'
import { DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { adapterStatus, type Bench, MINUTE, openBench, T0 } from './worker-in-test.ts'

const [XML] = DEFAULT_ADAPTERS
const STEM = '20261120T231500Z_20261120T231600Z'
const TRANSFER = {
  storedName: '7f3a1c62.xlsx',
  fileName: 'prices.xlsx',
  size: 5,
  sha256: createHash('sha256').update('beans').digest('hex'),
}

/** A compliance file store; `put` writes a file of the given bytes where the transfer above expects it. */
async function openStore() {
  const directory = await mkdtemp(join(tmpdir(), 'hansard-files-'))
  return {
    directory,
    async put(bytes: string) {
      await mkdir(join(directory, '7f'), { recursive: true })
      await writeFile(join(directory, '7f', TRANSFER.storedName), bytes)
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

const problemOf = async (bench: Bench) => (await adapterStatus(bench)).problem

async function manifestOf(bench: Bench, adapter: string) {
  const parsed = parseManifest((await bench.files(adapter)).get(`${STEM}.manifest.json`)!)
  if (parsed.outcome !== 'parsed') throw new Error(parsed.reason)
  return parsed.manifest
}

it('seals an export that contains an upload only when the compliance file store has exactly its bytes', async () => {
  await using bench = await openBench()
  await using store = await openStore()
  const worker = await bench.worker({ complianceFileStore: store.directory })
  const source = bench.pool.source('file-1', { startedAt: T0 })
  source.records('desk', 'alice', T0 + 1, { kind: 'file-upload', ...TRANSFER })
  await bench.deliver(T0 + MINUTE, [source])

  await worker.drain()
  expect(await problemOf(bench)).toContain('7f3a1c62.xlsx is not in the compliance file store')
  await store.put('peans')
  bench.clock.advance({ seconds: 5 })
  await worker.drain()
  expect(await problemOf(bench)).toContain('7f3a1c62.xlsx in the compliance file store is not the uploaded one')
  expect(await findExport(bench.db, { adapter: 'xml', number: 1 })).toMatchObject({ state: 'planned' })

  await store.put('beans')
  bench.clock.advance({ seconds: 10 })
  await worker.drain()
  expect(await problemOf(bench)).toBeNull()
  expect(await findExport(bench.db, { adapter: 'xml', number: 1 })).toMatchObject({ state: 'sealed', events: 1 })
})

it('does not seal an export that contains an upload without a configured file store', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const source = bench.pool.source('file-1', { startedAt: T0 })
  source.records('desk', 'alice', T0 + 1, { kind: 'file-upload', ...TRANSFER })
  await bench.deliver(T0 + MINUTE, [source])
  await worker.drain()
  expect(await problemOf(bench)).toContain('HANSARD_COMPLIANCE_FILE_STORE')
})

it('lists the transfers of a document in a file beside it, in the manifest too, and identically in a replay', async () => {
  await using bench = await openBench()
  await using store = await openStore()
  await store.put('beans')
  const adapters = [{ ...XML!, createFileAttachmentsManifest: true }]
  const worker = await bench.worker({ adapters, complianceFileStore: store.directory })
  const source = bench.pool.source('file-1', { startedAt: T0 })
  source.records('desk', 'alice', T0 + 1, { kind: 'file-upload', ...TRANSFER })
  source.records('desk', 'bob', T0 + 2, { kind: 'file-download', ...TRANSFER })
  source.says('lobby', 'bob', 'nothing here', T0 + 3)
  await bench.deliver(T0 + MINUTE, [source])
  await worker.drain()

  const { files, options } = await manifestOf(bench, 'xml')
  expect(options['createFileAttachmentsManifest']).toBe(true)
  expect(files.map(({ name, role, events }) => ({ name, role, events }))).toEqual([
    { name: `${STEM}-0001.xml`, role: 'document', events: 3 },
    { name: `${STEM}-0001.xml.ATTACH`, role: 'attachments', events: 2 },
    { name: `${STEM}.chain.txt`, role: 'chain', events: 3 },
  ])
  expect((await bench.files()).get(`${STEM}-0001.xml.ATTACH`)).toContain(`sha256="${TRANSFER.sha256}"`)
  // A replay shows that the record has not changed; it does not need the files.
  await rm(store.directory, { recursive: true })
  const request = { kind: 'replay', adapter: 'xml', number: 1 } as const
  const id = await addRequest(bench.db, { request, requestedBy: 'auditor', now: bench.clock.now() })
  await worker.drain()
  expect(await findRequest(bench.db, id)).toMatchObject({ state: 'done', result: { identical: true, files: 4 } })
})

it('exports changes of the pool itself, and counts them as omitted where the format has no place for them', async () => {
  await using bench = await openBench()
  const adapters = [XML!, { ...XML!, name: 'all', adapter: 'xml-extended' }]
  const worker = await bench.worker({ adapters })
  const source = bench.pool.source('admin-1', { startedAt: T0 })
  const subject = { type: 'category', uri: 'ma-cat://fourthcoffee.com/7', name: 'Trading' } as const
  source.says('desk', 'alice', 'hello', T0 + 1)
  source.records('pool', 'operator', T0 + 2, {
    ...{ kind: 'change', action: 'changed', subject },
    ...{ before: { allowed: ['sip:kazuto@litwareinc.com'] }, after: { denied: ['ma-grp:*@litwareinc.com'] } },
  })
  await bench.deliver(T0 + MINUTE, [source])
  await worker.drain()

  expect(await manifestOf(bench, 'xml')).toMatchObject({
    counts: { chat: 1, change: 1, total: 2 },
    omitted: { change: 1 },
  })
  expect((await bench.files('xml')).get(`${STEM}-0001.xml`)).not.toContain('fourthcoffee.com/pool')
  expect(await manifestOf(bench, 'all')).toMatchObject({ counts: { chat: 1, change: 1, total: 2 }, omitted: {} })
  expect((await bench.files('all')).get(`${STEM}-0001.xml`)).toContain('value="ma-grp:*@litwareinc.com"')
  const verify = fileURLToPath(new URL('../../../docs/verify.py', import.meta.url))
  expect(execFileSync('python3', [verify, bench.directory], { encoding: 'utf8' })).toContain('Good:')
})

it('renders an export that was sealed before changes were recorded with its original manifest format', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const source = bench.pool.source('chat-1', { startedAt: T0 })
  source.says('desk', 'alice', 'hello', T0 + 1)
  await bench.deliver(T0 + MINUTE, [source])
  await worker.drain()
  const row = await bench.db.knex('export').where({ adapter: 'xml', number: 1 }).first('settings')
  const { manifestFormat: _, ...settings } = JSON.parse(row.settings)
  await bench.db
    .knex('export')
    .where({ adapter: 'xml', number: 1 })
    .update({ settings: JSON.stringify(settings) })

  const request = { kind: 'replay', adapter: 'xml', number: 1 } as const
  const id = await addRequest(bench.db, { request, requestedBy: 'auditor', now: bench.clock.now() })
  await worker.drain()
  const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex')
  const files = await bench.files()
  const chain = files.get(`${STEM}.chain.txt`)!
  const firstChain = chain.replaceAll('\t-\t', '\t')
  expect(firstChain.length).toBe(chain.length - 2)
  const first = files
    .get(`${STEM}.manifest.json`)!
    .replace('manifest/3', 'manifest/1')
    .replace(/,\n +"(?:change|sign-in|sign-in-refused|assignment|sign-out|session-expired)": 0(?=,?\n)/g, '')
    .replace(/ +"incarnation": "",\n/g, '')
    .replace(/ +"forks": \[\],\n/, '')
    .replace(`"size": ${chain.length}`, `"size": ${firstChain.length}`)
    .replace(sha256Of(chain), sha256Of(firstChain))
  const content = first.split('\n').slice(0, -3).join('\n')
  const renderedSha256 = sha256Of(`${content}\n  "contentSha256": "${sha256Of(`${content}\n`)}"\n}\n`)
  expect(await findRequest(bench.db, id)).toMatchObject({
    result: { differences: [{ renderedSha256: sha256Of(firstChain) }, { renderedSha256 }] },
  })
})

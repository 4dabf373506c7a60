import { openXsltEngine } from '@hansard/adapter'
import { findExport } from '@hansard/staging'
import { expect, it } from 'vitest'
import { ADAPTERS, DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { replayExport } from './replay-export.ts'
import { adapterStatus, configure, MINUTE, manifests, openBench, statusOf, story, T0 } from './worker-in-test.ts'

const [XML] = DEFAULT_ADAPTERS
const sheet = (body: string) =>
  `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">${body}</xsl:stylesheet>`
const IDENTITY =
  '<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>'
const CONVERSATION = `<xsl:for-each select="//Messages/Message"><M by="{Sender/@userName}"><xsl:value-of select="@content"/></M></xsl:for-each>`

it.each([
  ['writes nothing', sheet('<xsl:output method="text"/><xsl:template match="/"/>'), 'empty', { chat: 2, join: 2 }],
  [
    'selects names that do not exist',
    sheet(`<xsl:template match="/"><Log>${CONVERSATION}</Log></xsl:template>`),
    'does not show 2 chat (sender)',
    { chat: 2, join: 2 },
  ],
  [
    'drops one chat',
    sheet(`${IDENTITY}<xsl:template match="Message[contains(@content, 'before')]" priority="2"/>`),
    'does not show 1 chat (changed)',
    { chat: 1 },
  ],
  [
    'writes malformed XML',
    sheet(
      '<xsl:output method="text"/><xsl:template match="/">&lt;Log&gt;<xsl:for-each select="//Message"><xsl:value-of select="concat(Sender/@uri, @content)"/></xsl:for-each></xsl:template>',
    ),
    '(malformed)',
    { chat: 2, join: 2 },
  ],
])('an export whose stylesheet %s is sealed as incomplete', async (_, stylesheet, words, left) => {
  await using bench = await openBench()
  const worker = await bench.worker({ adapters: [{ ...XML!, stylesheet }] })
  const sources = story(bench)
  await bench.deliver(T0 + MINUTE, sources)
  await worker.drain()

  const [first] = await manifests(bench)
  const missing: Record<string, number> = {}
  for (const { leftOut } of first!.pages!)
    for (const { kind, events } of leftOut) missing[kind] = (missing[kind] ?? 0) + events
  expect(missing).toEqual(left)
  expect((await statusOf(bench)).incompleteExports).toMatchObject({
    count: 1,
    exports: [{ adapter: 'xml', number: 1, incomplete: expect.stringContaining(words) }],
  })

  // What is sealed stays as it is, stays an alarm when the next export is complete, and can be replayed.
  await configure(bench.db, [XML!], bench.clock.now())
  bench.clock.advance({ minutes: 1 })
  await bench.deliver(T0 + 2 * MINUTE, sources)
  await worker.drain()
  expect((await manifests(bench)).map(({ pages }) => pages?.length)).toEqual([1, 0])
  expect((await statusOf(bench)).incompleteExports.count).toBe(1)
  const engine = await openXsltEngine()
  const deps = { db: bench.db, engine, adapters: ADAPTERS, signal: new AbortController().signal }
  expect(await replayExport(deps, { adapter: 'xml', number: 1 })).toMatchObject({ identical: true })
  await engine.close()
})

it('an export that would be incomplete is not sealed where the officer wants that, until the stylesheet is corrected', async () => {
  await using bench = await openBench()
  const stylesheet = sheet(`${IDENTITY}<xsl:template match="Message[contains(@content, 'before')]" priority="2"/>`)
  const worker = await bench.worker({ adapters: [{ ...XML!, stylesheet, stopWhenIncomplete: true }] })
  await bench.deliver(T0 + MINUTE, story(bench))
  await worker.drain()

  expect(await manifests(bench)).toEqual([])
  const { problem } = await adapterStatus(bench)
  expect(problem).toContain('xml/1 would be incomplete and is not sealed: ')
  expect(problem).toContain('does not show 1 chat (changed)')

  await configure(bench.db, [{ ...XML!, stopWhenIncomplete: true }], bench.clock.now())
  bench.clock.advance({ minutes: 1 })
  await worker.drain()
  expect((await manifests(bench)).map(({ number, pages }) => [number, pages])).toEqual([[1, []]])
  expect((await adapterStatus(bench)).problem).toBeNull()
  expect((await statusOf(bench)).incompleteExports.count).toBe(0)
})

it('an export recorded without the comparison is replayed without it', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  await bench.deliver(T0 + MINUTE, story(bench))
  await worker.drain()
  const sealed = (await findExport(bench.db, { adapter: 'xml', number: 1 }))!
  const { comparesPages, ...settings } = sealed.settings!
  expect(comparesPages).toBe(true)
  await bench.db
    .knex('export')
    .where({ id: sealed.id })
    .update({ settings: JSON.stringify(settings) })

  const engine = await openXsltEngine()
  const deps = { db: bench.db, engine, adapters: ADAPTERS, signal: new AbortController().signal }
  const replayed = await replayExport(deps, { adapter: 'xml', number: 1 })
  await engine.close()
  // Without the member its manifest has other bytes, and nothing else has.
  expect(replayed).toMatchObject({ differences: [{ name: expect.stringContaining('.manifest.json') }] })
})

import { afterAll, describe, expect, it } from 'vitest'
import { StylesheetError } from './stylesheet-error.ts'
import { openXsltEngine, XsltEngineClosed } from './xslt-engine.ts'
import { bytesOf, openEngineInTest, sheet, textSheet } from './xslt-engine-in-test.ts'

const { engine, render } = await openEngineInTest()
afterAll(() => engine.close())

describe('a stylesheet of maximum size that is made to be slow to read', () => {
  const CHARACTERS = 512 * 1_024
  const filled = (piece: string) => piece.repeat(Math.ceil(CHARACTERS / piece.length)).slice(0, CHARACTERS)
  const xslt = 'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'

  it.each([
    ['comments that do not end', filled('<!--')],
    ['comments', filled('<!-- a -->')],
    ['elements that do not end', filled('<a ')],
    ['elements within one another', filled('<a>')],
    ['output that does not end', `<xsl:stylesheet ${xslt}>${filled('<xsl:output ')}`],
    ['attributes without a value', `<xsl:stylesheet ${xslt}><xsl:output ${filled(' encoding')}`],
    ['spaces', `<xsl:stylesheet ${xslt}><xsl:output${filled(' ')}/>`],
    ['declarations of the namespace', filled(`${xslt} `)],
    ['prefixes', filled('xmlns:')],
    ['instructions that do not end', filled('<?x ')],
    ['character data that does not end', filled('<![CDATA[')],
    ['quotes', `<a b=${filled('"')}`],
    ['entities', `<a>${filled('&amp;')}</a>`],
  ])('(%s) is refused while the event loop goes on', async (_what, stylesheet) => {
    let rounds = 0
    let refused = false
    const compiling = engine.compile(stylesheet).catch((error: unknown) => {
      expect(error).toBeInstanceOf(StylesheetError)
      refused = true
    })
    while (!refused) {
      rounds += 1
      await Promise.race([compiling, new Promise((resolve) => setImmediate(resolve))])
    }

    expect(rounds).toBeGreaterThan(1)
    expect(await render(textSheet('1 + 1'))).toBe('2')
  })
})

describe('a stylesheet that exceeds a limit is stopped, and the next one runs', () => {
  // Every node asks every node: quadratic in the document, and far from done after the time it is given.
  const slow = sheet(
    '<xsl:output method="text"/><xsl:template match="/"><xsl:for-each select="//b"><xsl:value-of select="count(//b[count(//b) = 1])"/></xsl:for-each></xsl:template>',
  )
  const many = `<a>${'<b/>'.repeat(20_000)}</a>`

  it('at its time limit', async () => {
    // Only the slow one is given a time: how long a new thread takes to begin is the machine's affair.
    const never = new AbortController().signal
    const deadlines = [() => AbortSignal.timeout(1_000)]
    await using impatient = disposable(
      await openXsltEngine({ timeoutMs: 1_000, deadline: () => deadlines.shift()?.() ?? never }),
    )
    await expect(impatient.transform(slow, bytesOf(many))).rejects.toThrow('did not finish within 1 s')
    expect(await impatient.transform(textSheet('1'), bytesOf('<a/>'))).toEqual(new Uint8Array([0x31]))
  })

  it('at its memory limit', async () => {
    await using small = disposable(await openXsltEngine({ memoryMbMax: 32 }))
    const doubling = (depth: number): string =>
      depth === 0 ? '<xsl:copy-of select="/"/>' : doubling(depth - 1).repeat(2)
    const greedy = sheet(`<xsl:template match="/"><x>${doubling(8)}</x></xsl:template>`)
    await expect(small.transform(greedy, bytesOf(many))).rejects.toThrow(StylesheetError)
    expect(await small.transform(textSheet('1'), bytesOf('<a/>'))).toEqual(new Uint8Array([0x31]))
  })

  it('when the engine is closed, without reporting a fault of the stylesheet', async () => {
    const closing = await openXsltEngine()
    const running = closing.transform(slow, bytesOf(many)).catch((error: unknown) => error)
    await new Promise((resolve) => setImmediate(resolve))
    await closing.close()
    expect(await running).toBeInstanceOf(XsltEngineClosed)
  })

  it('while others are queued', async () => {
    const results = await Promise.allSettled([
      engine.transform(textSheet('1'), bytesOf('<a/>')),
      engine.transform(textSheet('nope()'), bytesOf('<a/>')),
      engine.transform(textSheet('3'), bytesOf('<a/>')),
    ])
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
})

it('a closed engine rejects with that reason', async () => {
  const closed = await openXsltEngine()
  await closed.close()
  await closed.close()
  await expect(closed.transform(textSheet('1'), bytesOf('<a/>'))).rejects.toThrow('has been closed')
})

function disposable<T extends { close(): Promise<void> }>(engine: T): T & AsyncDisposable {
  return { ...engine, [Symbol.asyncDispose]: () => engine.close() }
}

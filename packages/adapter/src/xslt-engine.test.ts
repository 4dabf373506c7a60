import { execFileSync } from 'node:child_process'
import { afterAll, describe, expect, it } from 'vitest'
import { StylesheetError } from './stylesheet-error.ts'
import { openEngineInTest, sheet, textSheet } from './xslt-engine-in-test.ts'

const { engine, render, refusal } = await openEngineInTest()
afterAll(() => engine.close())

describe('the XSLT engine', () => {
  it('applies a stylesheet', async () => {
    expect(await render(textSheet("concat('&lt;', count(//b), '&gt; é')"), '<a><b/><b/></a>')).toBe('<2> é')
  })

  it('does not truncate output at U+0000 and decodes it as UTF-8', async () => {
    expect(await render(textSheet('/a'), '<a>\u{1f600}\u2400</a>')).toBe('\u{1f600}\u2400')
  })

  it('handles documents larger than its initial memory', async () => {
    const xml = `<a>${'<b c="0123456789"/>'.repeat(500_000)}</a>`
    expect(await render(textSheet('count(//b)'), xml)).toBe('500000')
    expect(await render(textSheet('count(//b)'), '<a><b/></a>')).toBe('1')
  })

  it('nests templates as deeply as xsltproc', async () => {
    const countDown = (from: number) =>
      sheet(`<xsl:output method="text"/>
        <xsl:template match="/"><xsl:call-template name="down"><xsl:with-param name="n" select="${from}"/></xsl:call-template></xsl:template>
        <xsl:template name="down"><xsl:param name="n"/>
          <xsl:if test="$n &gt; 0"><xsl:call-template name="down"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template></xsl:if>
          <xsl:if test="$n = 0">done</xsl:if>
        </xsl:template>`)
    expect(await render(countDown(1_400))).toBe('done')
    expect((await refusal(countDown(50_000))).message).toContain('runtime error')
    expect(await render(countDown(10))).toBe('done')
  })
})

describe('the same input gives the same bytes', () => {
  it('whatever was transformed before', async () => {
    const ids = textSheet("concat(generate-id(/a/b), ' ', math:random(), ' ', math:random())")
    const first = await render(ids, '<a><b/></a>')
    expect(await render(ids, '<a><b/></a>')).toBe(first)
    await render(textSheet('count(//*)'), `<a>${'<b/>'.repeat(10_000)}</a>`)
    await refusal(textSheet('nope()'))
    expect(await render(ids, '<a><b/></a>')).toBe(first)
  })

  it('whatever the time: a stylesheet sees the time it is given', async () => {
    const at = Date.parse('2026-11-20T23:30:00Z')
    expect(await render(textSheet('date:date-time()'), '<a/>', at)).toBe('2026-11-20T23:30:00Z')
  })

  it('whatever the time zone: in Tokyo as in Reykjavík', () => {
    const program = `
      import { openXsltEngine } from ${JSON.stringify(new URL('./xslt-engine.ts', import.meta.url).href)}
      const engine = await openXsltEngine()
      const at = Date.parse('2026-11-20T23:30:00Z')
      const stylesheet = ${JSON.stringify(textSheet("concat(date:date-time(), ' ', date:year('2026-01-01T00:30:00'))"))}
      process.stdout.write(await engine.transform(stylesheet, new TextEncoder().encode('<a/>'), { at }))
      await engine.close()`
    const run = (zone: string) =>
      execFileSync(process.execPath, ['--conditions=@hansard/source', '--input-type=module', '-e', program], {
        env: { ...process.env, TZ: zone },
        encoding: 'utf8',
      })
    expect(run('Asia/Tokyo')).toBe('2026-11-20T23:30:00Z 2026')
    expect(run('Atlantic/Reykjavik')).toBe('2026-11-20T23:30:00Z 2026')
  })
})

describe('a failed stylesheet is never mistaken for one with little output', () => {
  it.each([
    ['is not XML', '<xsl:stylesheet><', 'parser error|namespace error'],
    ['is not a stylesheet', '<a/>', 'xsl'],
    [
      'has an unknown instruction',
      sheet('<xsl:template match="/"><xsl:nonsense/></xsl:template>'),
      'nonsense|compilation error',
    ],
    ['calls an unknown function', textSheet('nope()'), 'Unregistered function'],
    [
      'never ends its recursion',
      sheet('<xsl:template match="/"><xsl:apply-templates select="/"/></xsl:template>'),
      'runtime error',
    ],
    [
      'gives up',
      sheet('<xsl:template match="/"><xsl:message terminate="yes">unknown kind</xsl:message></xsl:template>'),
      'unknown kind',
    ],
    [
      'complains',
      sheet('<xsl:template match="/"><a/><xsl:message>unknown kind</xsl:message></xsl:template>'),
      'unknown kind',
    ],
  ])('when it %s', async (_what, stylesheet, diagnostics) => {
    const error = await refusal(stylesheet)
    expect(error.diagnostics).toMatch(new RegExp(diagnostics))
    expect(error.hint).not.toBe('')
    expect(await render(textSheet('1 + 1'))).toBe('2')
  })

  it('and is found at compile time, before anything is transformed', async () => {
    await expect(engine.compile(sheet('<xsl:template match="/"><xsl:nonsense/></xsl:template>'))).rejects.toThrow(
      StylesheetError,
    )
    await expect(engine.compile(textSheet('1'))).resolves.toBeUndefined()
  })
})

describe('a stylesheet cannot reach anything outside', () => {
  it.each([
    [
      'a URL',
      sheet('<xsl:template match="/"><xsl:copy-of select="document(\'http://127.0.0.1:9/x\')"/></xsl:template>'),
    ],
    [
      'a file',
      sheet('<xsl:template match="/"><xsl:copy-of select="document(\'file:///etc/hostname\')"/></xsl:template>'),
    ],
    ['a path', sheet('<xsl:template match="/"><xsl:copy-of select="document(\'/etc/hostname\')"/></xsl:template>')],
    ['itself', sheet('<xsl:template match="/"><xsl:copy-of select="document(\'\')"/></xsl:template>')],
    ['an import', sheet('<xsl:import href="http://127.0.0.1:9/x.xsl"/>')],
    ['an include', sheet('<xsl:include href="other.xsl"/>')],
    [
      'a file to write',
      sheet('<xsl:template match="/"><xsl:document href="/tmp/hansard-evil"><a/></xsl:document></xsl:template>'),
    ],
    [
      'a file to write, by EXSLT',
      sheet('<xsl:template match="/"><exsl:document href="/tmp/hansard-evil"><a/></exsl:document></xsl:template>'),
    ],
  ])('not %s', async (_what, stylesheet) => {
    expect((await refusal(stylesheet)).diagnostics).not.toBe('')
    expect(await render(textSheet('1 + 1'))).toBe('2')
  })

  it('not through a DOCTYPE in the stylesheet', async () => {
    const entity = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    expect((await refusal(`${entity}${textSheet('1')}`)).message).toContain('DOCTYPE')
  })

  it('not through a DOCTYPE hidden behind an apparent comment', async () => {
    const hidden = `<?x <!-- ?><!DOCTYPE x [<!ENTITY e "x">]><?y --> ?>${textSheet('1')}`
    expect((await refusal(hidden)).message).toContain('DOCTYPE')
  })

  it('not through a DOCTYPE in the document', async () => {
    expect((await refusal(textSheet('/a'), '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>')).message).toContain('DOCTYPE')
  })
})

describe('what the engine would get wrong is refused', () => {
  it.each(['ISO-8859-1', 'UTF-16'])('output in %s', async (encoding) => {
    const stylesheet = sheet(
      `<xsl:output indent="yes" encoding="${encoding}"/><xsl:template match="/"><a/></xsl:template>`,
    )
    expect((await refusal(stylesheet)).message).toContain(encoding)
  })

  it('output in another encoding, with any prefix or none', async () => {
    const inner = '<output encoding="UTF-16"/><template match="/"><a/></template>'
    const byDefault = `<stylesheet version="1.0" xmlns="http://www.w3.org/1999/XSL/Transform">${inner}</stylesheet>`
    expect((await refusal(byDefault)).message).toContain('UTF-16')
    const other = byDefault.replaceAll(/<(\/?)(?=[a-z])/g, '<$1x.y:').replace('xmlns=', 'xmlns:x.y=')
    expect((await refusal(other.replaceAll('x.y:a', 'a'))).message).toContain('UTF-16')
  })

  it.each(['utf-8', 'UTF-8'])('output in %s is accepted, whatever a comment says', async (encoding) => {
    const comment = '<!-- <xsl:output encoding="latin1"/> -->'
    const stylesheet = sheet(
      `${comment}<xsl:output method="text" encoding="${encoding}"/><xsl:template match="/">é</xsl:template>`,
    )
    expect(await render(stylesheet)).toBe('é')
  })
})

import { StylesheetError } from './stylesheet-error.ts'
import { openXsltEngine } from './xslt-engine.ts'

const XSLT = 'version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'
const EXSLT =
  'xmlns:date="http://exslt.org/dates-and-times" xmlns:math="http://exslt.org/math" xmlns:exsl="http://exslt.org/common"'

export function sheet(body: string): string {
  return `<xsl:stylesheet ${XSLT} ${EXSLT} extension-element-prefixes="date math exsl">${body}</xsl:stylesheet>`
}
export function textSheet(expression: string): string {
  return sheet(
    `<xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="${expression}"/></xsl:template>`,
  )
}
export const bytesOf = (text: string) => new TextEncoder().encode(text)

/** An engine, and what a test asks of it. */
export async function openEngineInTest() {
  const engine = await openXsltEngine({ timeoutMs: 20_000 })
  return {
    engine,
    render: async (stylesheet: string, xml = '<a/>', at = 0) =>
      Buffer.from(await engine.transform(stylesheet, bytesOf(xml), { at })).toString('utf8'),
    async refusal(stylesheet: string, xml = '<a/>'): Promise<StylesheetError> {
      try {
        await engine.transform(stylesheet, bytesOf(xml))
      } catch (error) {
        if (error instanceof StylesheetError) return error
        throw error
      }
      throw new Error('It was accepted.')
    },
  }
}

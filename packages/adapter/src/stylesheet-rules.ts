import { StylesheetError } from './stylesheet-error.ts'

/**
 * What is refused of a stylesheet before it runs.
 *
 * These rules read text, not XML: they refuse what the engine would silently do wrong, and what is wrong
 * with it in every other way the engine says itself.
 */
export function assertStylesheetAllowed(stylesheet: string): void {
  // Comments count too: to tell a comment from a processing instruction that looks like one takes a parser.
  if (/<!DOCTYPE/i.test(stylesheet)) {
    throw new StylesheetError({
      problem: 'The stylesheet has a DOCTYPE, which could make it read files or grow without bound.',
      hint: 'Remove the DOCTYPE, also from comments. Write character references such as &#160; for named entities.',
    })
  }
  const encoding = declaredOutputEncoding(stylesheet.replace(/<!--[\s\S]*?-->/g, ''))
  if (encoding !== undefined && !/^utf-?8$/i.test(encoding)) {
    throw new StylesheetError({
      problem: `The stylesheet asks for ${encoding} output; files are always UTF-8.`,
      hint: 'Write encoding="UTF-8" in xsl:output. Other encodings cannot hold every character people chat in.',
    })
  }
}

const XSLT_PREFIX = /xmlns:([\w.-]+)\s*=\s*["']http:\/\/www\.w3\.org\/1999\/XSL\/Transform["']/g

function declaredOutputEncoding(text: string): string | undefined {
  for (const [, prefix] of text.matchAll(XSLT_PREFIX)) {
    const output = new RegExp(`<${prefix!.replaceAll('.', '\\.')}:output\\b[^>]*?\\sencoding\\s*=\\s*["']([^"']*)["']`)
    const encoding = output.exec(text)?.[1]
    if (encoding !== undefined) return encoding
  }
  return undefined
}

/** Our own documents have none; one that does was not made by our writer. */
export function assertNoDoctype(xml: Uint8Array): void {
  if (!Buffer.from(xml.buffer, xml.byteOffset, xml.byteLength).includes('<!DOCTYPE')) return
  throw new StylesheetError({
    problem: 'The document has a DOCTYPE.',
    hint: 'Only documents without a DOCTYPE are transformed.',
  })
}

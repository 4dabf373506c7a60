import { XMLParser } from 'fast-xml-parser'
import { StylesheetError } from './stylesheet-error.ts'

/**
 * Refuses stylesheets that the engine would silently process wrongly. The engine itself reports all other errors.
 *
 * Runs only in the engine's thread: a stylesheet is untrusted text, and reading it may be slow.
 */
export function assertStylesheetAllowed(stylesheet: string): void {
  // Comments count too: a stylesheet has no use for the word.
  if (/<!DOCTYPE/i.test(stylesheet)) {
    throw new StylesheetError({
      problem: 'The stylesheet has a DOCTYPE, which could make it read files or grow without bound.',
      hint: 'Remove the DOCTYPE, also from comments. Write character references such as &#160; for named entities.',
    })
  }
  const encoding = declaredOutputEncodings(stylesheet).find((each) => !/^utf-?8$/i.test(each))
  if (encoding !== undefined) {
    throw new StylesheetError({
      problem: `The stylesheet asks for ${encoding} output; files are always UTF-8.`,
      hint: 'Write encoding="UTF-8" in xsl:output. Other encodings cannot hold every character people chat in.',
    })
  }
}

const XSLT_NAMESPACE = 'http://www.w3.org/1999/XSL/Transform'
/** The depth to which libxslt lets templates nest. */
const NESTED_MAX = 3_000

/** An element as the parser returns it: its name with its children, and its attributes. */
type XmlNode = Readonly<Record<string, readonly XmlNode[] | Attributes>>
type Attributes = Readonly<Record<string, string>>

/** Checks the `xsl:output` elements, which are children of the stylesheet's root. Throws the parser's errors. */
function declaredOutputEncodings(stylesheet: string): string[] {
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: false,
    maxNestedTags: NESTED_MAX,
  })
  const encodings: string[] = []
  for (const root of parser.parse(stylesheet) as XmlNode[]) {
    const inherited = namespacesOf(root)
    for (const child of (root[nameOf(root)] ?? []) as readonly XmlNode[]) {
      const name = nameOf(child)
      const [local, prefix = ''] = name.split(':').reverse()
      const namespace = { ...inherited, ...namespacesOf(child) }[prefix]
      const { encoding } = attributesOf(child)
      if (local === 'output' && namespace === XSLT_NAMESPACE && encoding !== undefined) encodings.push(encoding)
    }
  }
  return encodings
}

const nameOf = (node: XmlNode): string => Object.keys(node).find((key) => key !== ':@') ?? ''
const attributesOf = (node: XmlNode): Attributes => (node[':@'] ?? {}) as Attributes

/** Prefixes that an element declares; the default namespace has the empty one. */
function namespacesOf(node: XmlNode): Attributes {
  const declared = Object.entries(attributesOf(node)).filter(([name]) => /^xmlns(:|$)/.test(name))
  return Object.fromEntries(declared.map(([name, value]) => [name.slice('xmlns:'.length), value]))
}

/** Our own documents have none; one that does was not made by our writer. */
export function assertNoDoctype(xml: Uint8Array): void {
  if (!Buffer.from(xml.buffer, xml.byteOffset, xml.byteLength).includes('<!DOCTYPE')) return
  throw new StylesheetError({
    problem: 'The document has a DOCTYPE.',
    hint: 'Only documents without a DOCTYPE are transformed.',
  })
}

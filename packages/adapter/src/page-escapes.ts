/**
 * How an output writes texts. `xml`: as libxml2 escapes them. `html`: the same, with raw texts in scripts and styles.
 * `text`: raw. `csv`: raw, quotation marks doubled.
 */
export type OutputForm = 'xml' | 'html' | 'text' | 'csv'

type Context = {
  /** Reads a piece of skeleton; returns the text after it as the output must have written it there. */
  take(piece: string, text: string): string
}

export function startContext(form: OutputForm): Context {
  if (form === 'text') return { take: (_, text) => text }
  if (form === 'csv') return { take: (_, text) => text.replaceAll('"', '""') }
  let inTag = false
  let inCdata = false
  let isRaw = false
  return {
    take(piece, text) {
      const [cdata, cdataEnd] = [piece.lastIndexOf('<![CDATA['), piece.lastIndexOf(']]>')]
      if (cdata !== cdataEnd) inCdata = cdata > cdataEnd
      if (inCdata) return text.replaceAll(']]>', ']]]]><![CDATA[>')
      const [open, close] = [piece.lastIndexOf('<'), piece.lastIndexOf('>')]
      if (open !== close) inTag = open > close
      const raw = form === 'html' ? [...piece.matchAll(/<(\/?)(?:script|style)\b/gi)].at(-1) : undefined
      if (raw) isRaw = raw[1] === ''
      if (inTag) return text.replace(/[&<>"\t\n\r]/g, (char) => REFERENCES[char]!)
      return isRaw ? text : text.replace(/[&<>\r]/g, (char) => REFERENCES[char]!)
    },
  }
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

import { attributeText } from './xml-text.ts'

/**
 * A streaming XML writer: the only code in Hansard that puts angle brackets around users' text.
 *
 * The documents need elements and attributes only, so it can write nothing else. It keeps its output as chunks of
 * UTF-8 and writes what libxml2 would write for the same tree.
 */
export type XmlWriter = {
  /** `<name a="1">`, on a line of its own unless inside an inline element. */
  open(name: string, attributes?: Attributes): void
  /** The same without line breaks until it is closed: one record, one line. */
  openInline(name: string, attributes?: Attributes): void
  /** `<name a="1"/>` */
  empty(name: string, attributes?: Attributes): void
  close(): void
  /** Ends the document. The writer cannot be used afterwards. */
  finish(): Uint8Array
}

/** Written in the given order. `undefined` omits an attribute. */
export type Attributes = readonly (readonly [name: string, value: string | number | boolean | undefined])[]

const PIECE_CHARS = 256 * 1024

export function openXmlWriter(): XmlWriter {
  const pieces: Buffer[] = []
  const openElements: string[] = []
  let text = '<?xml version="1.0" encoding="utf-8"?>\n'
  let inlineDepth: number | undefined

  const startLine = () => {
    if (inlineDepth === undefined) text += INDENTS[openElements.length] ?? '  '.repeat(openElements.length)
  }
  const endLine = () => {
    if (inlineDepth !== undefined) return
    text += '\n'
    if (text.length < PIECE_CHARS) return
    pieces.push(Buffer.from(text, 'utf8'))
    text = ''
  }
  const tag = (name: string, attributes: Attributes, end: string) => {
    text += `<${name}`
    for (const [attribute, value] of attributes) {
      if (value === undefined) continue
      text += typeof value === 'string' ? ` ${attribute}="${attributeText(value)}"` : ` ${attribute}="${value}"`
    }
    text += end
  }

  return {
    open(name, attributes = NONE) {
      startLine()
      tag(name, attributes, '>')
      endLine()
      openElements.push(name)
    },
    empty(name, attributes = NONE) {
      startLine()
      tag(name, attributes, '/>')
      endLine()
    },
    openInline(name, attributes = NONE) {
      startLine()
      tag(name, attributes, '>')
      openElements.push(name)
      inlineDepth ??= openElements.length
    },
    close() {
      const name = openElements.pop()!
      startLine()
      text += `</${name}>`
      if (inlineDepth !== undefined && openElements.length < inlineDepth) inlineDepth = undefined
      endLine()
    },
    finish() {
      if (openElements.length > 0) throw new Error(`<${openElements.at(-1)}> was not closed.`)
      pieces.push(Buffer.from(text, 'utf8'))
      return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    },
  }
}

const NONE: Attributes = []
const INDENTS = ['', '  ', '    ', '      ', '        ']

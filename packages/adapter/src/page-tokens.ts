import type { EventKind } from '@hansard/compliance-event'
import { MESSAGE_TYPES } from './document.ts'

/**
 * The token document: a conversations document in which every text of a user is replaced by a unique token.
 *
 * Rendered by a stylesheet, it shows the skeleton of the output and where each event stands. It is made from the
 * document's bytes, not from the events, so it compares what the stylesheet was really given. Only our own writer's
 * documents can be read this way: attributes between double quotes, no raw angle bracket in a value.
 *
 * What stays: element and attribute names, types, ids, sizes, hashes, the vocabulary of changes. Line breaks stay
 * between tokens, and so do `@`, `/` and `:` in addresses, because stylesheets format by them. Equal names and
 * addresses get equal tokens, and the order of tokens is the order of the texts, so grouping and sorting by person
 * give the same skeleton. Texts of messages get a token each, in document order: sorting by them does not.
 */
export type TokenDocument = {
  readonly bytes: Uint8Array
  readonly events: readonly PageEvent[]
  readonly tokens: readonly Token[]
  /** Per event, the texts that tell who its sender is. */
  readonly senders: readonly (readonly string[])[]
  /** Finds every token, whole or not, in an output: group 1 is its number. */
  readonly pattern: RegExp
}

type PageEvent = {
  readonly kind: EventKind
  /** first of its conversation: the original's format repeats it as `FirstMessage` */
  readonly first: boolean
}

export type Token = {
  readonly text: string
  readonly full: string
  /** where the part that `pattern` finds begins in `full` */
  readonly offset: number
  /** index of its event; -1 for names and addresses, which events share */
  readonly event: number
  readonly role: TokenRole
  /** of a stamp: which of its forms this is */
  readonly form?: string | undefined
}

/** `words` must be shown; `detail` may be; `time` tells where an event stands. */
type TokenRole = 'words' | 'detail' | 'time' | 'sender' | 'name' | 'other'

export type TokenOptions = {
  /** Stamps get digits below the microsecond that tell them apart. */
  readonly times: boolean
  /** Senders get a token an event, so that an event without any text of its own can be found. */
  readonly sendersApart: boolean
}

const TAG = /<(\/?)([A-Za-z]+)((?: [^<>]*?)?)(\/?)>/g
const ATTRIBUTE = / ([A-Za-z0-9:]+)="([^"]*)"/g
const KINDS = new Map(Object.entries(MESSAGE_TYPES).map(([kind, type]) => [type as string, kind as EventKind]))

/** The kinds of a document's events, in order. Latin-1 will do: names and types are ASCII. */
export function kindsIn(xml: string): EventKind[] {
  return [...xml.matchAll(/<Message type="([A-Z]+)"/g)].map(([, type]) => KINDS.get(type!)!)
}

export function tokenDocument(document: Uint8Array, options: TokenOptions, taken: readonly string[]): TokenDocument {
  const xml = Buffer.from(document.buffer, document.byteOffset, document.byteLength).toString('utf8')
  const mark = freeMark('Tk', 'x', [xml, ...taken])
  const timeMark = freeMark('73', '519', [xml, ...taken])
  const tokens: Token[] = []
  const events: PageEvent[] = []
  const senders: string[][] = []
  const shared = sharedTokens(xml, mark, tokens)
  /** the tokens of the event at hand, so that `FirstMessage` and `Message` get the same ones */
  let own = new Map<string, string>()
  let ordinal = 0
  let event = -1
  let inMessage = false

  const add = (text: string, role: TokenRole, stamp?: Stamp): string => {
    const number = String(tokens.length).padStart(NUMBER_DIGITS, '0')
    const full = stamp === undefined ? `${mark}${number}k` : `${stamp.before}${timeMark}${number}${stamp.after}`
    tokens.push({ text, full, offset: stamp?.before.length ?? 0, event, role, form: stamp?.form })
    return full
  }
  const unique = (text: string, make: () => string): string => {
    const key = `${ordinal}\n${text}`
    ordinal += 1
    const token = own.get(key) ?? make()
    own.set(key, token)
    return token
  }
  const replaced = (name: string, attributes: string, attribute: string, value: string): string => {
    const text = decoded(value)
    if (text === '') return value
    if (name === 'DateTimeUTC' && inMessage && options.times) {
      const [before, after] = TIME_ENDS[attribute]?.(text) ?? ['', '']
      return before === '' ? value : unique(text, () => add(text, 'time', { form: attribute, before, after }))
    }
    const role = roleOf(name, attribute)
    // A number or a boolean is no text.
    if (role === undefined || (name === 'Property' && !/ type="(?:text|list)"/.test(attributes))) return value
    if (role === 'words' || role === 'detail') {
      const kind = events[event]?.kind ?? 'chat'
      return partsOf(text, kind)
        .map((part, index) => (index % 2 === 1 || part === '' ? encoded(part) : unique(part, () => add(part, role))))
        .join('')
    }
    if (inMessage && name === 'Sender') senders[event]!.push(...tellingParts(text))
    const apart = options.sendersApart && inMessage && name === 'Sender'
    return addressParts(text)
      .map((part, index) => {
        if (index % 2 === 1 || part === '') return encoded(part)
        return apart ? unique(part, () => add(part, 'detail')) : shared.get(part)!
      })
      .join('')
  }

  let isFirst = false
  const written = xml.replace(TAG, (whole, slash: string, name: string, attributes: string, end: string) => {
    if (slash !== '') {
      if (name === 'Message' || name === 'FirstMessage') inMessage = false
      return whole
    }
    if (name === 'FirstMessage' || name === 'Message') {
      ordinal = 0
      inMessage = true
      const repeats = name === 'Message' && isFirst
      if (!repeats) {
        own = new Map()
        event += 1
        senders.push([])
        events.push({ kind: KINDS.get(/ type="([A-Z]+)"/.exec(attributes)![1]!)!, first: name === 'FirstMessage' })
      }
      isFirst = name === 'FirstMessage'
    }
    const out = attributes.replace(
      ATTRIBUTE,
      (_, attribute: string, value: string) => ` ${attribute}="${replaced(name, attributes, attribute, value)}"`,
    )
    return `<${name}${out}${end}>`
  })
  const bytes = Buffer.from(written, 'utf8')
  return { bytes, events, tokens, senders, pattern: new RegExp(`(?:${mark}|${timeMark})(\\d{${NUMBER_DIGITS}})`, 'g') }
}

type Stamp = { readonly form: string; readonly before: string; readonly after: string }

const NUMBER_DIGITS = 7

/** Tokens of names and addresses, numbered in the order of the texts' UTF-8 bytes, as libxslt sorts. */
function sharedTokens(xml: string, mark: string, tokens: Token[]): Map<string, string> {
  const roles = new Map<string, TokenRole>()
  for (const [, , name, attributes] of xml.matchAll(TAG)) {
    for (const [, attribute, value] of attributes!.matchAll(ATTRIBUTE)) {
      const role = roleOf(name!, attribute!)
      if (role === undefined || role === 'words' || role === 'detail') continue
      const text = decoded(value!)
      for (const [index, part] of addressParts(text).entries()) {
        if (index % 2 === 1 || part === '') continue
        const telling = tellingParts(text).includes(part) ? role : 'other'
        const known = roles.get(part)
        if (known === undefined || RANK[telling] > RANK[known]) roles.set(part, telling)
      }
    }
  }
  const sorted = [...roles.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return new Map(
    sorted.map((text) => {
      const full = `${mark}${String(tokens.length).padStart(NUMBER_DIGITS, '0')}k`
      tokens.push({ text, full, offset: 0, event: -1, role: roles.get(text)! })
      return [text, full]
    }),
  )
}

/** An address that is also a name is found by either. */
const RANK: Record<TokenRole, number> = { other: 0, name: 1, sender: 2, words: 3, detail: 3, time: 3 }

const WORDS = new Set(['content', 'title', 'replaced', 'replacedTitle', 'subjectName'])
const DETAILS = /^(?:query|fileName|givenName|subjectUri|session|tokenSession|account|remote|service|roomName|\w+Json)$/

function roleOf(element: string, attribute: string): TokenRole | undefined {
  switch (element) {
    case 'Message':
    case 'FirstMessage':
      if (WORDS.has(attribute)) return 'words'
      return DETAILS.test(attribute) ? 'detail' : undefined
    case 'Property':
      if (attribute === 'value') return 'words'
      return attribute === 'valueJson' ? 'detail' : undefined
    case 'Sender':
    case 'Author':
      if (attribute === 'UserName') return element === 'Sender' ? 'name' : 'other'
      if (attribute !== 'uri' && attribute !== 'email') return undefined
      return element === 'Sender' ? 'sender' : 'other'
    case 'Channel':
      return attribute === 'uri' || attribute === 'name' ? 'other' : undefined
    default:
      return undefined
  }
}

/** Texts and separators in turn. */
function partsOf(text: string, kind: EventKind): string[] {
  if (kind === 'file-upload' || kind === 'file-download') return text.split(/(\.|\r\n|\r|\n)/)
  if (!text.startsWith(STORY)) return text.split(/(\r\n|\r|\n)/)
  return ['', STORY, ...text.slice(STORY.length).split(/(\r\n|\r|\n)/)]
}
/** The original's mark of a story, at the beginning of its text. Stylesheets look for it. */
const STORY = '[STORY]'
/** A domain tells nobody apart. */
const tellingParts = (text: string): string[] =>
  addressParts(text).filter((part, index) => part !== '' && (index === 0 || (index % 2 === 0 && !text.includes('@'))))
const addressParts = (text: string): string[] => text.split(/([@/:]+)/)

/** What stands before and after the digits that are added to a stamp: it stays a number, or a date. */
const TIME_ENDS: Readonly<Record<string, (text: string) => [string, string]>> = {
  since1970: (text) => [`${text}.`, ''],
  long: (text) => [`${text}.`, ''],
  string: (text) => (text.includes('.') ? [text.slice(0, -1), 'Z'] : ['', '']),
}

/** A beginning that occurs in none of these texts. */
function freeMark(start: string, end: string, texts: readonly string[]): string {
  for (let number = 0; ; number++) {
    const mark = `${start}${number}${end}`
    if (!texts.some((text) => text.includes(mark))) return mark
  }
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#9;': '\t',
  '&#10;': '\n',
  '&#13;': '\r',
}
const decoded = (value: string): string => value.replace(/&[#a-z0-9]+;/g, (reference) => REFERENCES[reference]!)
const encoded = (text: string): string => text.replaceAll('\n', '&#10;').replaceAll('\r', '&#13;')

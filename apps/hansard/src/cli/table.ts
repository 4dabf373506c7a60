/** Columns of text, the numbers to the right. Control characters in what is shown never reach the terminal. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map((cell) => shown(cell)))]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  return cells
    .map((row) =>
      widths
        .map((width, column) => {
          const cell = row[column] ?? ''
          return numeric[column] ? cell.padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** One property a line; a list has its entries below each other. What is empty is left out. */
export function properties(entries: readonly (readonly [string, string | number | readonly string[]])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries
    .flatMap(([name, value]) => {
      const values = Array.isArray(value) ? (value as readonly string[]) : [value as string | number]
      return values
        .filter((one) => one !== '')
        .map((one, index) => `${(index === 0 ? name : '').padEnd(width)}  ${shown(one)}\n`)
    })
    .join('')
}

type Entry = readonly [string, string | number | readonly string[]]

/**
 * An entry of the admin API for `properties`, whatever it holds: lists of principals as their URIs, times in UTC. The
 * name comes first; `label` says how a property is called, `flag` how a boolean is shown.
 */
export function shownProperties(
  entry: Readonly<Record<string, unknown>>,
  label: (property: string) => string,
  flag: (on: boolean) => string,
): Entry[] {
  const { name, ...others } = entry
  return Object.entries(name === undefined ? others : { name, ...others }).map(([property, value]): Entry => {
    if (property === 'createdAt') return ['created', utc(value as number)]
    const called = property === 'addIn' ? 'add-in' : label(property).replaceAll('-', ' ')
    if (typeof value === 'boolean') return [called, flag(value)]
    if (Array.isArray(value)) return [called, value.map((one) => (typeof one === 'string' ? one : one.uri))]
    return [called, (value ?? '') as string | number]
  })
}

export function onOrOff(on: boolean): string {
  return on ? 'on' : 'off'
}

export function yesOrNo(on: boolean): string {
  return on ? 'yes' : 'no'
}

function shown(cell: string | number): string {
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : visible(cell)
}

/** Text from other people, made safe for a terminal: a control character is shown as its Unicode picture. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0)!
    if (code < 0x20) return String.fromCodePoint(0x2400 + code)
    return code === 0x7f ? '\u2421' : '\ufffd'
  })
}

/** `2026-11-20 23:15:00Z` */
export function utc(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').replace('.000Z', 'Z')
}

/** `1 event`, `2,000 events` */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

/** `4 s`, `12 min`, `3 h`, `2 d` */
export function duration(ms: number): string {
  const seconds = ms / 1_000
  if (seconds < 1) return `${Math.round(ms)} ms`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

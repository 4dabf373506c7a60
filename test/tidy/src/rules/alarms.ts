import type { Repository, RuleFinding } from '../repository.ts'

const MANUAL = 'docs/alarms.md'
/** What every page of the manual says: what it means, what happens by itself, and what a person does. */
const PARTS = ['**Means.**', '**By itself.**', '**Do.**']

/** Where sentences begin that an operator reads as an alarm. An adapter's problem is shown behind its name. */
const RAISED: readonly { readonly path: RegExp; readonly after: RegExp; readonly prefix: string }[] = [
  { path: /^apps\/admin-api\/src\/alarms\.ts$/, after: /alarms\.push\(/g, prefix: '' },
  { path: /^packages\/redis\/src\/troubles\.ts$/, after: /\btext:/g, prefix: '' },
  { path: /^apps\/compliance-worker\/src\/export-problem\.ts$/, after: /=> (?=`)/g, prefix: 'Adapter …: ' },
  {
    path: /^apps\/compliance-worker\/src\/(?:check-stored-file|directory-identity|sealed-on-disk)\.ts$/,
    after: /new (?:StoredFileProblem|WrongDirectory|AdoptionRefused)\(/g,
    prefix: 'Adapter …: ',
  },
  { path: /^packages\/staging\/src\/(?:lacking-rows|export-chain)\.ts$/, after: /super\(/g, prefix: 'Adapter …: ' },
]
/** The page for problems of adapters that have none of their own. */
const ANY_ADAPTER = 'Adapter …: …'

/** Every alarm in code, in its own words; what it fills in is `…`. */
export function alarmsIn({ files }: Pick<Repository, 'files'>): { path: string; text: string }[] {
  return [...files].flatMap(([path, source]) =>
    RAISED.filter((raised) => raised.path.test(path)).flatMap(({ after, prefix }) =>
      [...source.matchAll(after)].flatMap((match) => {
        const text = literalAt(source, match.index + match[0].length)
        return text === '' ? [] : [{ path, text: `${prefix}${text}` }]
      }),
    ),
  )
}

/** Every alarm has a page in the manual under its own words, every page an alarm, and each says what to do. */
export function alarmsInManual({ files }: Repository): RuleFinding[] {
  const alarms = alarmsIn({ files })
  const text = files.get(MANUAL)
  if (text === undefined && alarms.length === 0) return []
  const finding = (path: string, subject: string, message: string) => {
    return { rule: 'alarms-in-manual', path, subject, message: `${message}: ${subject}` }
  }
  const pages = pagesOf(text ?? '')
  const matches = (title: string, alarm: string) => patternOf(title).test(alarm)
  return [
    ...alarms
      .filter(({ text: alarm }) => !pages.some(({ title }) => isOwn(title, alarm) && matches(title, alarm)))
      .map(({ path, text: alarm }) => finding(path, alarm, `${MANUAL} has no page for the alarm`)),
    ...pages
      .filter(({ title }) => !alarms.some(({ text: alarm }) => matches(title, alarm)))
      .map(({ title }) => finding(MANUAL, title, 'no alarm has the words of the page')),
    ...pages
      .filter(({ body }) => !PARTS.every((part) => body.includes(part)))
      .map(({ title }) => finding(MANUAL, title, `the page does not say ${PARTS.join(', ')}`)),
  ]
}

/** The page for any problem of an adapter is no page for one that is known. */
function isOwn(title: string, alarm: string): boolean {
  return title !== ANY_ADAPTER || alarm === ANY_ADAPTER
}

type Page = { readonly title: string; readonly body: string }

/** Titles that follow each other have one page. */
function pagesOf(text: string): Page[] {
  const pages: Page[] = []
  let titles: string[] = []
  const [manual = ''] = text.split(/^# Remedies/m)
  const parts = manual.split(/^## (.+)$/m).slice(1)
  for (let at = 0; at < parts.length; at += 2) {
    titles.push(parts[at]!.replaceAll('`', ''))
    const body = parts[at + 1]!
    if (body.trim() === '') continue
    for (const title of titles) pages.push({ title, body })
    titles = []
  }
  return pages
}

function patternOf(title: string): RegExp {
  const words = title.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${words.join('.+?')}`)
}

/** The string literals of an argument, joined, from a place in a source file to the end of the argument. */
function literalAt(source: string, from: number): string {
  let text = ''
  for (let at = from; at < source.length && !/[,);]/.test(source[at]!); at++) {
    const quote = source[at]!
    if (!/['"`]/.test(quote)) continue
    for (at++; source[at] !== quote && at < source.length; at++) {
      if (source.startsWith('${', at)) {
        at = endOfHole(source, at + 2)
        text += '…'
      } else if (source[at] === '\\') text += source[++at]
      else text += source[at]
    }
  }
  return text
}

/** The closing brace of `${`, whatever literals stand before it. */
function endOfHole(source: string, from: number): number {
  let depth = 1
  for (let at = from; at < source.length; at++) {
    if (source[at] === '{') depth++
    if (source[at] === '}' && --depth === 0) return at
  }
  return source.length
}

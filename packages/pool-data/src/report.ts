/** What an export or an import did, or would do: `report.json` for programs, `report.html` for people. */
export type DataReport = {
  readonly what: 'export' | 'import' | 'dry-run'
  readonly pool: string
  /** who requested it, and when (ISO 8601) */
  readonly by: string
  readonly at: string
  readonly level: string
  readonly scope: readonly string[] | null
  readonly start: string | null
  /** per kind, counts by result */
  readonly counts: Readonly<Record<string, Tally>>
  /** what was omitted or not done by design, and why */
  readonly leftOut: readonly string[]
  /** what should be there or should have been done, and is not */
  readonly problems: readonly DataProblem[]
  /** problems beyond those listed */
  readonly problemsMore: number
}

/** An export counts what it wrote. `made`, `changed`: by the import. `same`: already equal. `left`: not touched. */
export type Tally = Readonly<Partial<Record<'exported' | 'made' | 'changed' | 'removed' | 'same' | 'left', number>>>

export type DataProblem = {
  readonly entry: string
  /** the line of the entry, counted from 1, if it concerns one line */
  readonly line: number | null
  /** the subject: a URI, a name, a chat's id */
  readonly subject: string
  readonly problem: string
}

export function reportJson(report: DataReport): string {
  return `${JSON.stringify(report, null, 2)}\n`
}

const TITLES = {
  export: 'Export of pool data',
  import: 'Import of pool data',
  'dry-run': 'Import of pool data, only tried: nothing was changed',
}
const MEANINGS = {
  exported: 'is in the file',
  made: 'was not here',
  changed: 'was here and became what the file says',
  removed: 'was on a list here and is not in the file',
  same: 'was here as the file says, or stays because the file only names it',
  left: 'was not brought in: the problems below say why',
} as const
const OUTCOMES = ['exported', 'made', 'changed', 'removed', 'same', 'left'] as const

/** A self-contained page: no script, no external style. */
export function reportHtml(report: DataReport): string {
  const title = escapeHtml(`${TITLES[report.what]}: ${report.pool}`)
  const kinds = Object.entries(report.counts)
  const columns = OUTCOMES.filter((outcome) => kinds.some(([, tally]) => tally[outcome] !== undefined))
  const row = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>\n`
  const facts = [
    ['By', report.by],
    ['At', report.at],
    ['Level', report.level],
    ['Categories', report.scope === null ? 'all' : report.scope.join(', ')],
    ...(report.start === null ? [] : [['Rooms made or talked in since', report.start]]),
  ]
  const problems = report.problems
    .map(({ entry, line, subject, problem }) => row('td', [entry, line === null ? '' : String(line), subject, problem]))
    .join('')
  const meanings = columns.map((outcome) => `<li>${outcome}: ${MEANINGS[outcome]}</li>\n`).join('')
  const leftOut = report.leftOut.map((line) => `<li>${escapeHtml(line)}</li>\n`).join('')
  const more = report.problemsMore === 0 ? '' : `<p>And ${report.problemsMore} more.</p>\n`
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body>
<h1>${title}</h1>
<table>
${facts.map((fact) => row('td', fact)).join('')}</table>
<h2>Counts</h2>
<table>
${row('th', ['', ...columns])}${kinds
  .map(([kind, tally]) => row('td', [kind, ...columns.map((outcome) => String(tally[outcome] ?? 0))]))
  .join('')}</table>
<ul>
${meanings}</ul>
<h2>To know</h2>
${leftOut === '' ? '<p>Nothing.</p>\n' : `<ul>\n${leftOut}</ul>\n`}<h2>Problems</h2>
${problems === '' ? '<p>None.</p>\n' : `<table>\n${row('th', ['Where', 'Line', 'What', 'Problem'])}${problems}</table>\n${more}`}</body>
</html>
`
}

/**
 * Characters that would change how the text reads, including those that change the writing direction, are shown as
 * visible codes.
 */
function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
}

import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { reportHtml } from './index.ts'

it('a report is a page on which every name is escaped, beside its file and line', () => {
  const hostile = `<script>alert(1)</script> "x" & 'y' \u202eexe.\u0000\ud800`
  const page = reportHtml({
    what: 'dry-run',
    pool: hostile,
    by: hostile,
    at: '2026-01-02T03:04:05.678Z',
    level: 'all',
    scope: [hostile],
    start: null,
    counts: { rooms: { made: 2, left: 1 }, files: {} },
    leftOut: [hostile],
    problems: [{ entry: 'data/rooms.jsonl', line: 3, subject: hostile, problem: hostile }],
    problemsMore: 4,
  })

  for (const harm of ['<script', '\u202e', '\u0000']) expect(page).not.toContain(harm)
  expect(page.isWellFormed()).toBe(true)
  const shown = `<script>alert(1)</script> "x" & 'y' \ufffdexe.\ufffd\ufffd`
  const texts = JSON.parse(execFileSync('python3', ['-c', READER], { input: page, encoding: 'utf8' })) as string[]
  expect(texts.filter((text) => text === shown)).toHaveLength(5)
  for (const text of ['data/rooms.jsonl', '3', 'files', '0', 'And 4 more.']) expect(texts).toContain(text)
  expect(page).toContain('nothing was changed')
})

/** An independent reader. */
const READER = `
import html.parser, json, sys
texts = []
class Reader(html.parser.HTMLParser):
    def handle_data(self, data): texts.append(data)
Reader().feed(sys.stdin.buffer.read().decode("utf-8"))
json.dump(texts, sys.stdout)
`

import { posix } from 'node:path'
import type { Repository, RuleFinding } from '../repository.ts'

const PROSE = /^(?:[^/]+|docs\/.*|(?:apps|packages|adapters|test)\/[^/]+\/[^/]+)\.md$/
const MENTION = /[\w.@/*-]*\w\.ts(?![\w-])/g
/** Kinds of files that many packages have, so that a text may speak of them in general. */
const IN_GENERAL = new Set(['index.ts', 'main.ts', 'config.ts', 'service.ts', 'bin.ts', 'types.ts', 'vitest.config.ts'])

/** A file named in a document exists, and a bare name is unique: within the README's package, or in all. */
export function filesInProse({ files }: Repository): RuleFinding[] {
  const code = [...files.keys()].filter((path) => path.endsWith('.ts'))
  return [...files]
    .filter(([path]) => PROSE.test(path) && path !== 'CHANGELOG.md')
    .flatMap(([path, text]) =>
      [...new Set(text.match(MENTION) ?? [])].flatMap((mention) => {
        const found = resolve(code, path, mention)
        if (found === 1) return []
        const problem = found === 0 ? 'does not exist' : `may be any of ${found} files`
        return [{ rule: 'files-in-prose', path, subject: mention, message: `${mention} ${problem}` }]
      }),
    )
}

function resolve(code: readonly string[], document: string, mention: string): number {
  if (mention.includes('*') || IN_GENERAL.has(mention)) return 1
  const folder = posix.dirname(document)
  if (code.includes(mention) || code.includes(posix.join(folder, mention))) return 1
  const ending = code.filter((path) => path.endsWith(`/${mention}`))
  const near = ending.filter((path) => folder !== '.' && path.startsWith(`${folder}/`))
  return near.length || ending.length
}

const THREATS = 'docs/threat-model.md'
const COLUMNS_OF_THREATS = 4
const TESTS_OF_ROW = /`([^`]+\.test\.ts)`((?:,? "[^"]+")+)/g

/** Every row of the threat model names the tests that hold it, and these tests are there. */
export function testsInThreatModel({ files }: Repository): RuleFinding[] {
  const rows = (files.get(THREATS) ?? '')
    .split('\n')
    .filter((line) => line.split('|').length === COLUMNS_OF_THREATS + 2)
  return rows.flatMap((row) => {
    if (/^\| What (?:is done|happens) \||^\|--/.test(row)) return []
    const subject = row.slice(2, row.indexOf(' | '))
    const finding = (message: string) => ({ rule: 'tests-in-threat-model', path: THREATS, subject, message })
    const tests = [...row.matchAll(TESTS_OF_ROW)].flatMap(([, path, titles]) =>
      [...titles!.matchAll(/"([^"]+)"/g)].map(([, title]) => ({ path: path!, title: title! })),
    )
    if (tests.length === 0) return [finding(`names no test: ${subject}`)]
    return tests
      .filter(({ path, title }) => !files.get(path)?.includes(title))
      .map(({ path, title }) => finding(`${path} has no test "${title}"`))
  })
}

const COLUMNS_MAX = 120
const COMMENT = /^\s*(?:\*|\/\/) /
const CODE_FENCE = /^\s*```/
/** Tables have a line a row. */
const ROW = /^\s*\|/

/**
 * Lines of prose are short enough to be read side by side. What cannot be wrapped, such as a long address, may be
 * longer.
 */
export function shortLinesOfProse({ files }: Repository): RuleFinding[] {
  return [...files].flatMap(([path, text]) => {
    const isDocument = PROSE.test(path) && path !== 'CHANGELOG.md'
    if (!isDocument && !path.endsWith('.ts')) return []
    let inCode = false
    return text.split('\n').flatMap((line, at) => {
      if (isDocument && CODE_FENCE.test(line)) inCode = !inCode
      const isProse = isDocument ? !inCode && !ROW.test(line) : COMMENT.test(line)
      if (!isProse || line.length <= COLUMNS_MAX || !canBeWrapped(line)) return []
      const subject = `line ${at + 1}`
      return [{ rule: 'short-lines-of-prose', path, subject, message: `${subject} has ${line.length} columns` }]
    })
  })
}

/** Whether a word ends within the limit: code and links are words. */
function canBeWrapped(line: string): boolean {
  const words = line.trimStart().replace(/`[^`]*`|\]\([^)]*\)/g, (span) => span.replaceAll(' ', '_'))
  return /\S \S/.test(words.slice(2, COLUMNS_MAX))
}

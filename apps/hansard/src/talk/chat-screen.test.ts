import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { Env } from '@hansard/config'
import { expect, it } from 'vitest'
import { paintFor } from '../cli/paint.ts'
import { wrapped } from './chat-screen.ts'
import { completeLine } from './complete-line.ts'
import { chatText, localTime } from './talk.ts'
import { HISTORY_LINES_MAX, typedHistory } from './typed-history.ts'

const NOON = Date.UTC(2026, 10, 28, 12)
const plain = (_: unknown, text: string) => text

it.each([1, 2, 7, 20, 41, 80, 200])('breaks lines between words where it can, at %i columns', (columns) => {
  const text = `12:00Z <alice> ${'word '.repeat(60)}${'x'.repeat(150)} 漢字漢字 \u001b[31mred\u001b[39m\n      a second line`

  const rows = wrapped(text, columns).split('\n').map(stripVTControlCharacters)

  for (const row of rows) expect(row.replace(/\P{ASCII}/gu, 'xx').length).toBeLessThanOrEqual(Math.max(columns, 2))
  expect(rows.join('').replace(/\s/g, '')).toBe(stripVTControlCharacters(text).replace(/\s/g, ''))
  if (columns === 80) expect(rows.filter((row) => / wor?d?$/.test(row) && !row.endsWith(' word'))).toEqual([])
})

it('shows what others wrote as characters, never as commands to the terminal', () => {
  const from = { name: 'eve\u001b[2J', uri: 'sip:eve@example.com' }
  const text = 'a\u001b]0;title\u0007b\u009b31m\u202ec\u2028d\r\ne'

  const shown = chatText(
    { at: NOON, from, text, title: undefined, alert: false, replaced: false } as never,
    plain,
    NOON,
  )

  expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u)
  expect(shown.split('\n')).toHaveLength(2)
})

it('colours only what is a terminal that can and somebody who wants it', () => {
  const io = (isTTY: boolean, env: Record<string, string>) => ({ stdout: { isTTY } as never, env: new Env(env) })

  expect(paintFor(io(true, { TERM: 'xterm' }))('red', 'x')).toBe('\u001b[31mx\u001b[39m')
  for (const none of [io(false, {}), io(true, { TERM: 'dumb' }), io(true, { NO_COLOR: '1' })])
    expect(paintFor(none)('red', 'x')).toBe('x')
})

it('tells a time with its zone, and the date when it is another day', () => {
  const shown = localTime(NOON, NOON)
  expect(shown).toMatch(/^\d\d:\d\d(Z|[+-]\d\d(:\d\d)?)$/)
  expect(localTime(NOON - 3 * 86_400_000, NOON)).toMatch(/^2026-11-2[45] \d\d:\d\d/)
})

it('completes commands, rooms and names', async () => {
  const room = { uri: 'r', name: 'the desk' } as never
  const talk = { current: room, rooms: new Map([['r', room]]), seen: new Map([['r', new Set(['Alice', 'Alan'])]]) }
  const complete = (line: string) => completeLine(line, talk, async () => ['prices', 'prices of today', 'Primes'])

  expect(await complete('/hi')).toEqual([['/history '], '/hi'])
  expect(await complete('/join pri')).toEqual([['Primes', 'prices', 'prices of today'], 'pri'])
  expect(await complete('/part ')).toEqual([['the desk'], ''])
  expect(await complete('al')).toEqual([['Alan: ', 'Alice: '], 'al'])
  expect(await complete('ask ali')).toEqual([['Alice '], 'ali'])
  expect(await complete('')).toEqual([[], ''])
})

it('completes names made safe for the terminal', async () => {
  const room = { uri: 'r', name: 'r' } as never
  const talk = { current: room, rooms: new Map(), seen: new Map([['r', new Set(['Al\u001b[2J\u202e'])]]) }

  expect(await completeLine('al', talk, async () => [])).toEqual([['Al\u241b[2J\ufffd: '], 'al'])
  expect(await completeLine('/join p', talk, async () => ['p\u001b]0;x\u0007'])).toEqual([['p\u241b]0;x\u2407'], 'p'])
})

it('keeps what was typed for its owner only, so many lines, and none when told so', () => {
  const home = mkdtempSync(join(tmpdir(), 'hansard-'))
  const env = new Env({ HOME: home })
  const lines = Array.from({ length: HISTORY_LINES_MAX + 50 }, (_, n) => `line ${n}\nand more`)

  typedHistory(env).keep(lines)

  const path = join(home, '.local/state/hansard/chat-history')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(typedHistory(env).lines).toEqual(lines.slice(0, HISTORY_LINES_MAX))
  const before = readFileSync(path, 'utf8')
  const off = typedHistory(new Env({ HOME: home, HANSARD_HISTORY: 'off' }))
  off.keep(['secret'])
  expect([off.lines, readFileSync(path, 'utf8')]).toEqual([[], before])
  rmSync(home, { recursive: true })
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readCorpusLine } from './corpus-line.ts'

const chat = (nick: string, text: string, minute = 12 * 60 + 18) => ({ kind: 'chat', minute, nick, text })

it('reads a chat, with whatever its text holds', () => {
  expect(readCorpusLine('[12:18] <alice> hello')).toEqual(chat('alice', 'hello'))
  expect(readCorpusLine('[12:18] <alice>   two more spaces, one behind ')).toEqual(
    chat('alice', '  two more spaces, one behind '),
  )
  expect(readCorpusLine('[12:18] <al[i]c`e_^{}|-\\> <b> a & b > c')).toEqual(chat('al[i]c`e_^{}|-\\', '<b> a & b > c'))
  expect(readCorpusLine('[12:18] <alice> a\u0008b\u2028c\u0085d\re')).toEqual(
    chat('alice', 'a\u0008b\u2028c\u0085d\re'),
  )
  expect(readCorpusLine('[00:00] <alice>  ')).toEqual(chat('alice', ' ', 0))
})

it('turns an action into a chat that begins with /me', () => {
  expect(readCorpusLine('[12:18]  * alice waves')).toEqual(chat('alice', '/me waves'))
  expect(readCorpusLine('[12:18]  * [Saint] waves')).toEqual(chat('[Saint]', '/me waves'))
  expect(readCorpusLine('[12:18]  * alice')).toEqual(chat('alice', '/me '))
})

it('reads who comes, goes and changes names', () => {
  expect(readCorpusLine('=== bob [~b@host]  has joined #ubuntu')).toEqual({ kind: 'join', nick: 'bob' })
  expect(readCorpusLine('=== bob [~b@host]  has joined #UBUNTU')).toEqual({ kind: 'join', nick: 'bob' })
  expect(readCorpusLine('=== bob [~b@host]  has left #ubuntu ["bye"]')).toEqual({ kind: 'part', nick: 'bob' })
  expect(readCorpusLine('=== bob [~b@host]  has left #ubuntu ["-carpe] ')).toEqual({ kind: 'part', nick: 'bob' })
  expect(readCorpusLine('=== bob is now known as rob')).toEqual({ kind: 'rename', nick: 'bob', to: 'rob' })
})

it('knows a nickname by the space its collector wrote after a bracket', () => {
  expect(readCorpusLine('[12:18] <[GuS] > hi')).toEqual(chat('[GuS]', 'hi'))
  expect(readCorpusLine('[12:18] <bur[n] er> hi')).toEqual(chat('bur[n] er', 'hi'))
  expect(readCorpusLine('=== bur[n] er [n=b@host]  has joined #ubuntu')).toEqual({ kind: 'join', nick: 'bur[n] er' })
  expect(readCorpusLine('=== Guard] [an [n=g@host]  has left #ubuntu []')).toEqual({ kind: 'part', nick: 'Guard] [an' })
  expect(readCorpusLine('=== zcat[1]  [n=z@host]  has joined #ubuntu')).toEqual({ kind: 'join', nick: 'zcat[1]' })
  expect(readCorpusLine('=== bob[1]  is now known as Bart] ')).toEqual({ kind: 'rename', nick: 'bob[1]', to: 'Bart]' })
})

it('names the kind of every line that is not talk', () => {
  const kinds = {
    '': 'blank',
    '   ': 'blank',
    '[12:18] <alice>': 'empty-chat',
    '[12:18] <alice> ': 'empty-chat',
    '[12:18] <> hi': 'unnameable',
    '[12:18] < > hi': 'unnameable',
    '[12:18] <a\u0007b> hi': 'unnameable',
    '=== mode/#ubuntu [+o bob] by ChanServ': 'mode',
    '=== bob is now known as a clown': 'notice',
    '=== Tsjoklate changes subject': 'notice',
    '===': 'notice',
    '[12:18] <alice>hello': 'stray',
    '[24:00] <alice> hello': 'stray',
    '[12:60] <alice> hello': 'stray',
    '[12:18] (bob/#ubuntu) hello': 'stray',
    ' [12:18] <alice> hello': 'stray',
    'Ubuntu IRC': 'stray',
  }
  for (const [line, as] of Object.entries(kinds)) expect(readCorpusLine(line), line).toEqual({ kind: 'skipped', as })
})

it('makes something of any line whatever', () => {
  const piece = fc.constantFrom(
    '[12:18] <',
    '> ',
    '=== ',
    ' [h]  has joined #u',
    '  * ',
    ']',
    ' ',
    'x',
    '\u0000',
    '😀',
    '\ud800',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'binary' })), { maxLength: 12 }), (pieces) => {
      expect(readCorpusLine(pieces.join('')).kind).toMatch(/^(chat|join|part|rename|skipped)$/)
    }),
  )
})

it('reads back any chat exactly', () => {
  const nick = fc.stringMatching(/^[A-Za-z[\]\\`_^{}|-]{1,20}$/)
  const text = fc.string({ unit: 'binary', minLength: 1 })
  fc.assert(
    fc.property(nick, text, fc.integer({ min: 0, max: 1439 }), (name, content, minute) => {
      const two = (n: number) => String(n).padStart(2, '0')
      const time = `${two(Math.floor(minute / 60))}:${two(minute % 60)}`
      expect(readCorpusLine(`[${time}] <${name}> ${content}`)).toEqual(chat(name, content, minute))
    }),
  )
})

it('takes no longer for a hostile line than for its length', () => {
  const line = `=== ${'a] '.repeat(20_000)}[`
  // The time of this thread alone, in microseconds: what else the machine does is not in it. Quadratic work takes
  // minutes.
  const before = process.threadCpuUsage()
  readCorpusLine(line)
  expect(process.threadCpuUsage(before).user).toBeLessThan(1_000_000)
})

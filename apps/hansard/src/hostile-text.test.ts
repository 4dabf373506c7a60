import { expect, it } from 'vitest'
import { inOptionNames } from './cli/option-names.ts'
import { readTalkLine } from './talk/talk-line.ts'

const LONG = 256 * 1_024

// A pattern that tries every way to part such a text would not be through before the test ends.
it.each([
  ['a name in many capitals', `the aB${'A'.repeat(LONG)}_`],
  ['many names', 'fileUpload '.repeat(LONG / 11)],
])('a refusal that quotes %s is put into the words of the command line', (_what, text) => {
  expect(inOptionNames(text, new Set(['fileUpload']))).toHaveLength(
    text.replaceAll('fileUpload', '--file-upload').length,
  )
})

it.each([
  ['spaces within', `/join a${' '.repeat(LONG)}b`],
  ['spaces at its end', `/join a${' '.repeat(LONG)}`],
  ['one long word', `/${'a'.repeat(LONG)}`],
])('a typed line with %s is understood', (_what, line) => {
  expect(readTalkLine(line, { commands: true })).toBeDefined()
})

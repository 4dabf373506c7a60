import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { MEANINGS } from './meanings.ts'
import { allSettings, settingsTable } from './settings-table.ts'

const repository = resolve(import.meta.dirname, '../../../..')
const document = join(repository, 'docs/operating.md')
const MARKS = ['<!-- settings: made by `npm run settings:accept` -->', '<!-- end of settings -->'] as const

it('is the one in docs/operating.md (`npm run settings:accept` writes it there)', () => {
  const text = readFileSync(document, 'utf8')
  const [before, rest] = text.split(MARKS[0])
  const after = rest?.split(MARKS[1])[1]
  expect(after).toBeDefined()
  const made = `${before}${MARKS[0]}\n\n${settingsTable()}\n\n${MARKS[1]}${after}`
  if (process.env['HANSARD_GOLDEN'] === 'accept') writeFileSync(document, made)
  else expect(text).toBe(made)
})

it('says of every setting what it means, and of nothing else', () => {
  expect(Object.keys(MEANINGS).sort()).toEqual(allSettings().map(({ name }) => name))
})

it('has every name that the code reads', () => {
  const files = globSync('{apps,packages}/*/src/**/*.ts', { cwd: repository })
  const read = new Set<string>()
  for (const file of files.filter((each) => !/(\.test|-in-test)\.ts$/.test(each))) {
    const names = readFileSync(join(repository, file), 'utf8').match(/(?<=['"`])HANSARD_[A-Z_]+(?=['"`])/g) ?? []
    for (const name of names) read.add(name)
  }

  expect(read.size).toBeGreaterThan(40)
  const listed = new Set(allSettings().map(({ name }) => name))
  expect([...read].filter((name) => !listed.has(name))).toEqual([])
})

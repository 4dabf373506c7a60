import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type CorpusPlan, planCorpus } from './corpus-plan.ts'

const said = (plan: CorpusPlan) =>
  plan.steps.map((step) => `${step.nick} ${step.kind}${step.kind === 'chat' ? ` ${step.text}` : ''}`)

it('joins a speaker before the first chat, and parts everybody at the end', () => {
  const plan = planCorpus('[12:18] <alice> one\n[12:18] <bob> two\n[12:19] <alice> three\n')
  expect(said(plan)).toEqual([
    'alice join',
    'alice chat one',
    'bob join',
    'bob chat two',
    'alice chat three',
    'alice part',
    'bob part',
  ])
})

it('makes a part and a join of a rename', () => {
  const plan = planCorpus('[12:18] <alice> one\n=== alice is now known as al\n[12:18] <al> two\n')
  expect(said(plan)).toEqual(['alice join', 'alice chat one', 'alice part', 'al join', 'al chat two', 'al part'])
  expect(plan.renames).toBe(1)
})

it('lets somebody come in under the new name who was never seen under the old', () => {
  expect(said(planCorpus('=== ghost is now known as al\n'))).toEqual(['al join', 'al part'])
})

it('counts lines that say what is so already', () => {
  const plan = planCorpus(
    '=== bob [h]  has left #ubuntu []\n=== al [h]  has joined #ubuntu\n=== al [h]  has joined #ubuntu\n',
  )
  expect(said(plan)).toEqual(['al join', 'al part'])
  expect(plan.skipped).toEqual({ 'not-present': 1, 'already-present': 1 })
})

it('reads files with Windows line ends, and files without a last one', () => {
  expect(said(planCorpus('[12:18] <al> one\r\n[12:18] <al> two'))).toEqual([
    'al join',
    'al chat one',
    'al chat two',
    'al part',
  ])
  expect(planCorpus('').lines).toBe(0)
  expect(planCorpus('\n').skipped).toEqual({ blank: 1 })
})

it('spreads the chats of a minute over it, and goes on after midnight', () => {
  const plan = planCorpus('[23:59] <al> a\n[23:59] <al> b\n[00:01] <al> c\n[00:00] <al> d\n')
  const chats = plan.steps.filter((step) => step.kind === 'chat')
  expect(chats.map((step) => [step.text, step.atMs])).toEqual([
    ['a', 0],
    ['b', 30_000],
    ['c', 120_000],
    ['d', 150_000],
  ])
})

const lawful = (text: string) => {
  const plan = planCorpus(text)
  const count = (kind: string) => plan.steps.filter((step) => step.kind === kind).length
  const present = new Set<string>()
  let before = 0
  for (const step of plan.steps) {
    if (step.kind === 'join') expect(present.has(step.nick)).toBe(false)
    else expect(present.has(step.nick)).toBe(true)
    if (step.kind === 'join') present.add(step.nick)
    if (step.kind === 'part') present.delete(step.nick)
    expect(step.atMs).toBeGreaterThanOrEqual(before)
    before = step.atMs
  }
  expect(present.size).toBe(0)
  return { plan, chats: count('chat'), joins: count('join'), parts: count('part') }
}

const read = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8'))

/** Lines that are chats by a description of the format that shares nothing with the reader under test. */
const chatLines = (text: string) =>
  text.split('\n').filter((line) => /^\[\d\d:\d\d\] ( \* |<[^>]+> [\s\S])/.test(line)).length

it('plays the slice of the corpus in this repository, every line accounted for', () => {
  const files = read(new URL('../../../../fixtures/corpus', import.meta.url).pathname)
  expect(files.length).toBeGreaterThan(4)
  for (const text of files) expect(lawful(text).chats).toBe(chatLines(text))
})

const WHOLE = process.env['HANSARD_CORPUS'] ?? ''

if (!existsSync(WHOLE)) console.warn('The whole corpus is not tested: set HANSARD_CORPUS to the folder of its logs.')

describe.skipIf(!existsSync(WHOLE))('the whole corpus (in the folder HANSARD_CORPUS)', () => {
  it('is read to the last line', () => {
    const all = read(WHOLE).map((text) => ({ text, ...lawful(text) }))
    for (const { text, chats } of all) expect(chats).toBe(chatLines(text))
    const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + of(one), 0)
    expect(all.length).toBe(153)
    expect(sum((one) => one.chats)).toBe(196_496)
    expect(sum((one) => one.joins)).toBe(sum((one) => one.parts))
    expect(sum((one) => one.plan.skipped['empty-chat'] ?? 0)).toBe(21)
    expect(sum((one) => one.plan.skipped.mode ?? 0)).toBe(268)
  })
})

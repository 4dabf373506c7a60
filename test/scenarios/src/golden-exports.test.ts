import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('has golden exports of exactly the existing stories', () => {
  const tests = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
  const told = tests.flatMap((name) =>
    [...readFileSync(`${import.meta.dirname}/${name}`, 'utf8').matchAll(/startStory\('([a-z-]+)'/g)].map(
      ([, story]) => story,
    ),
  )
  expect(told.length).toBeGreaterThan(20)
  expect(new Set(told).size, 'every story has a name of its own').toBe(told.length)
  const golden = readdirSync(new URL('../../../fixtures/golden/scenarios', import.meta.url))
  expect(golden.toSorted()).toEqual(told.toSorted())
})

import { readFileSync, writeFileSync } from 'node:fs'
import { ROOM_OPERATIONS } from '@hansard/rooms'
import { expect, it } from 'vitest'
import { expected, permissionsDocument } from './matrix.ts'
import { PEOPLE, PLACES } from './situations.ts'

const DOCUMENT = new URL('../../../docs/permissions.md', import.meta.url)

it('is documented as the rules define it', () => {
  if (process.env['HANSARD_GOLDEN'] === 'accept') writeFileSync(DOCUMENT, permissionsDocument())

  expect(readFileSync(DOCUMENT, 'utf8')).toBe(permissionsDocument())
})

it('gives the same answer to everybody outside', () => {
  const outside = PEOPLE.filter((person) => !person.inScope && !person.administrator)
  expect(outside.length).toBeGreaterThan(2)
  for (const person of outside) {
    for (const place of PLACES) {
      for (const operation of ROOM_OPERATIONS) expect(expected(operation, place, person)).toBe('no-such-room')
    }
  }
})

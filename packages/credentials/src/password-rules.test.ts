import { expect, it } from 'vitest'
import { newKey, passwordProblem } from './index.ts'

it.each([
  ['password'],
  ['12345678'],
  ['PassWord'],
  ['password1234'],
  ['Password2026'],
  ['1234password!!'],
  ['passwordpassword'],
  ['aaaaaaaaaaaa'],
  ['abcdefghijkl'],
  ['098765432109876'],
  ['ｐａｓｓｗｏｒｄ'],
])('refuses %s, which guessers try first', async (password) => {
  expect(await passwordProblem(password)).toMatch(/Choose another/)
})

it.each([['correct horse battery'], ['bob-pass-11'], ['grüße aus Wien'], ['🦊🦉🐢🦊🐙🦉🐟🐢']])(
  'takes %s',
  async (password) => {
    expect(await passwordProblem(password, { account: 'bob' })).toBeUndefined()
  },
)

it('refuses one that is too short in characters, too long, or the name of the account', async () => {
  expect(await passwordProblem('🦊🦉🐢🦊')).toBe('A password has at least 8 characters.')
  expect(await passwordProblem('correct horse', { charactersMin: 15 })).toBe('A password has at least 15 characters.')
  expect(await passwordProblem('x y'.repeat(400))).toMatch(/at most/)
  expect(await passwordProblem('Margaret.2026', { account: 'margaret' })).toMatch(/name of the account/)
  expect(await passwordProblem('Margaret.2026', { account: 'margaret@example.com' })).toMatch(/name of the account/)
  expect(await passwordProblem('ЖанетаК1-26', { account: 'жанетак' })).toMatch(/name of the account/)
})

it('takes one of other letters or of digits only, whatever the account is called', async () => {
  expect(await passwordProblem('правильная лошадь', { account: 'жанетак' })).toBeUndefined()
  expect(await passwordProblem('8301947265', { account: '123' })).toBeUndefined()
})

it('refuses the format of a generated key: it would never be checked as a password', async () => {
  expect(await passwordProblem(newKey())).toMatch(/form of a generated key/)
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  accountNameProblem,
  domainUri,
  groupUri,
  newRoomUri,
  parseRoomUri,
  principalUri,
  roomNameProblem,
} from './index.ts'

describe('a room URI', () => {
  it('is unique and parses back', () => {
    const uri = newRoomUri('example.com')

    expect(parseRoomUri(uri)?.domain).toBe('example.com')
    expect(newRoomUri('example.com')).not.toBe(uri)
  })

  it.each([
    '',
    'ma-chan://example.com/',
    'sip:x@example.com',
    'ma-chan://EXAMPLE/00000000-0000-0000-0000-000000000000',
  ])('is not "%s"', (text) => {
    expect(parseRoomUri(text)).toBeUndefined()
  })
})

describe('the URI of a principal', () => {
  it('is never shared by two accounts, whatever their names', () => {
    const account = fc.string().filter((name) => accountNameProblem(name) === undefined)
    fc.assert(
      fc.property(account, account, (a, b) => {
        expect(principalUri(a, 'example.com') === principalUri(b, 'example.com')).toBe(a === b)
      }),
    )
  })

  it('contains one @ and nothing that terminates it early', () => {
    expect(principalUri('a@b;c <d>', 'example.com')).toBe('sip:a%40b%3Bc%20%3Cd%3E@example.com')
  })
})

describe('the URI of a group', () => {
  it('is never that of a whole domain, whatever the group’s name', () => {
    expect(groupUri('*', 'example.com')).not.toBe(domainUri('example.com'))
    expect(groupUri('Sales & Trading', 'example.com')).toBe('ma-grp:Sales%20%26%20Trading@example.com')
  })
})

describe('a name', () => {
  it.each(['ma-chan://example.com/x', 'MA-CAT:x', 'ma-grp:*@x', 'sip:x'])('may not be taken for a URI: %s', (name) => {
    expect(roomNameProblem(name)).toContain('URI')
  })

  it.each(['', '   ', 'two\nlines', 'bell\u0007', 'x'.repeat(257), 'half \ud800'])('may not be %j', (name) => {
    expect(roomNameProblem(name)).toBeDefined()
    expect(accountNameProblem(name)).toBeDefined()
  })

  it.each(['desk ', ' desk', 'x\u200b', '\ufeffdesk'])('of a room may not resemble another one: %j', (name) => {
    expect(roomNameProblem(name)).toBeDefined()
  })

  it('may be any realistic name', () => {
    for (const name of ['desk', 'Händler 1', '交易', 'a|b[c]`', 'x'.repeat(256)]) {
      expect([roomNameProblem(name), accountNameProblem(name)]).toEqual([undefined, undefined])
    }
    expect(accountNameProblem(' alice')).toBeDefined()
    expect(accountNameProblem('ma-grp:everyone')).toBeDefined()
    expect(accountNameProblem('SIP:alice')).toBeDefined()
  })
})

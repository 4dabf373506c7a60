import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  accountNameProblem,
  domainDisplayName,
  domainProblem,
  domainUri,
  endpointUriProblem,
  groupUri,
  isKeepable,
  keptPrincipalUri,
  newCategoryUri,
  newRoomUri,
  parseDomainUri,
  parseFileUri,
  parseRoomUri,
  policyNameProblem,
  principalUri,
  quoted,
  roomNameProblem,
  TEXT_LIMITS,
  textProblem,
  webAddressProblem,
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
    ' ma-chan://example.com/00000000-0000-0000-0000-000000000000',
    'ma-chan://example.com/00000000-0000-0000-0000-000000000000 ',
    'ma-cat://example.com/00000000-0000-0000-0000-000000000000',
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

describe('the URI of a category', () => {
  it('is unique and is not that of a room', () => {
    const uri = newCategoryUri('example.com')
    expect(uri).toMatch(/^ma-cat:\/\/example\.com\/[0-9a-f-]{36}$/)
    expect(newCategoryUri('example.com')).not.toBe(uri)
    expect(parseRoomUri(uri)).toBeUndefined()
  })
})

describe('a domain', () => {
  it.each([
    ['sip:Alice@EXAMPLE.com', 'sip:Alice@example.com'],
    ['sip:a%40B@EXAMPLE.com', 'sip:a%40B@example.com'],
    ['ma-grp:*@EXAMPLE.com', 'ma-grp:*@example.com'],
    ['ma-grp:Traders@EXAMPLE.com', 'ma-grp:Traders@EXAMPLE.com'],
    ['x sip:Alice@EXAMPLE.com', 'x sip:Alice@EXAMPLE.com'],
    ['xma-grp:*@EXAMPLE.com', 'xma-grp:*@EXAMPLE.com'],
  ])('is kept in lower case, and nothing else is changed: %s', (uri, kept) => {
    expect(keptPrincipalUri(uri)).toBe(kept)
  })

  it.each([
    ['ma-grp:*@Example.com', 'example.com'],
    ['ma-grp:*@a', 'a'],
    ['ma-grp:*@', undefined],
    ['ma-grp:*@example.com\n', undefined],
    ['x ma-grp:*@example.com', undefined],
    ['ma-grp:Traders@example.com', undefined],
    ['sip:alice@example.com', undefined],
  ])('is read from its URI: %s', (uri, domain) => {
    expect(parseDomainUri(uri)).toBe(domain)
  })

  it('has a URI that is read back, and a name', () => {
    expect(parseDomainUri(domainUri('example.com'))).toBe('example.com')
    expect(domainDisplayName('example.com')).toBe('Everybody at example.com')
  })

  it.each(['a', 'ab', '1', 'a-b.c', `a${'b'.repeat(251)}c`])('may be %s', (domain) => {
    expect(domainProblem(domain)).toBeUndefined()
  })

  it.each(['', 'A', '.a', 'a.', '-a', 'a-', 'a b', 'a@b', 'a\n', `a${'b'.repeat(252)}c`])('may not be %j', (domain) => {
    expect(domainProblem(domain)).toBe(`${quoted(domain)} is no domain.`)
  })
})

describe('the name of a policy', () => {
  it.each(['traders', 'site:oslo', 'pool:test', 'pool:a:b'])('may be %s', (name) => {
    expect(policyNameProblem(name)).toBeUndefined()
  })

  it.each(['sites:oslo', 'x site:oslo', 'site:', 'site::', 'tag:x', ':'])(
    'may not be %s: it would apply to nobody',
    (name) => {
      expect(policyNameProblem(name)).toContain('only as site:<name> or pool:<name>')
    },
  )

  it('is a name like others', () => {
    expect(policyNameProblem('')).toBe('A policy’s name may not be empty.')
    expect(policyNameProblem('sip:x')).toBe('A policy’s name may not begin like a URI.')
  })
})

describe('a text', () => {
  it.each([
    ['x'.repeat(5), undefined],
    ['x'.repeat(6), 'A topic may have at most 5 characters; this one has 6.'],
    ['a\u0000', 'A topic holds characters that no database keeps.'],
    ['\ud800', 'A topic holds characters that no database keeps.'],
  ])('is kept only if it comes back unchanged: %j', (text, problem) => {
    expect(textProblem('A topic', text, 5)).toBe(problem)
    expect(isKeepable(text)).toBe(!problem?.includes('database'))
  })

  it('is shown shortened from 129 characters on', () => {
    expect(quoted('x'.repeat(128))).toBe(`"${'x'.repeat(128)}"`)
    expect(quoted('x'.repeat(129))).toBe(`"${'x'.repeat(128)}…"`)
  })

  it.each(['http://a', 'https://a/b?c', `https://a/${'b'.repeat(TEXT_LIMITS.webAddress - 10)}`])(
    'is a web address: %s',
    (url) => {
      expect(webAddressProblem(url)).toBeUndefined()
    },
  )

  it.each([
    ...['', 'a', 'ftp://a', 'xhttp://a', 'httpss://a', 'javascript:alert(1)', 'https://a/\u0000'],
    `https://a/${'b'.repeat(TEXT_LIMITS.webAddress - 9)}`,
  ])('is no web address: %j', (url) => {
    expect(webAddressProblem(url)).toContain('is no http or https address')
  })

  it.each(['sip:chat@example.com', 'SIP:Chat@Example.com', `sip:${'a'.repeat(256)}@${'b'.repeat(253)}`])(
    'is a SIP address: %s',
    (uri) => {
      expect(endpointUriProblem(uri)).toBeUndefined()
    },
  )

  it.each([
    ...['sip:@a', 'sip:a@', 'xsip:a@b', 'sip:a@b c', 'sip:a b@c', 'sip:a@b@c', 'sip:<a>@b', 'sip:a\u0007@b', 'a@b'],
    ...[`sip:${'a'.repeat(257)}@b`, `sip:a@${'b'.repeat(254)}`],
  ])('is no SIP address: %j', (uri) => {
    expect(endpointUriProblem(uri)).toContain('is no SIP address')
  })
})

it('the id of a file is not taken from a longer text', () => {
  const uri = 'ma-filelink://example.com/3f6c1c62-8f1f-4c0a-9a55-0f6f0f6f0f6f'
  expect([parseFileUri(uri), parseFileUri(`${uri}x`), parseFileUri(`x${uri}`)]).toEqual([
    uri.slice(-36),
    undefined,
    undefined,
  ])
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
    expect(accountNameProblem('gossip:alice')).toBeUndefined()
    expect(roomNameProblem('gossip:desk')).toBeUndefined()
    expect(roomNameProblem('   ')).toBe('A room name may not be empty.')
  })
})

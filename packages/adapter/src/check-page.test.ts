import { readFileSync } from 'node:fs'
import type { ComplianceEvent, EventPrincipal } from '@hansard/compliance-event'
import type { RoomSlice } from '@hansard/conversation'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { checkPage, pageOfDocument } from './check-page.ts'
import { extendedProfile } from './extended-document.ts'
import { type Page, showsEverything } from './page.ts'
import { strictProfile } from './strict-document.ts'
import { openEngineInTest, sheet } from './xslt-engine-in-test.ts'

const { engine } = await openEngineInTest()
afterAll(() => engine.close())

const T0 = 1_795_165_200_000
const PEOPLE = ['Alice Ciccu', 'Bob Gage', 'Kazuto Ito'].map(
  (name, index): EventPrincipal => ({
    id: 10 + index,
    uri: `sip:${name.split(' ')[0]!.toLowerCase()}@fourthcoffee.com`,
    name,
    internal: true,
  }),
)
const HOSTILE = (
  JSON.parse(readFileSync(new URL('../../../fixtures/hostile/texts.json', import.meta.url), 'utf8')) as {
    text: string
  }[]
).map(({ text }) => text)
const options = {
  oneChatRoomPerOutputFile: false,
  addChatRoomDetails: true,
  addUserDetails: true,
  eventsPerFileMax: 100_000,
}
const context = {
  stem: 's',
  interval: { startsAt: T0, endsAt: T0 + 900_000 },
  kind: 'interval' as const,
  number: 1,
}

function eventAt(seq: number, who: number, made: object): ComplianceEvent {
  const room = { uri: 'ma-chan://fourthcoffee.com/1', name: 'Desk', seq }
  return {
    ...{ v: 1, source: 'channel-1', epoch: 1, seq, at: T0 + seq * 1_003, room, principal: PEOPLE[who % 3] },
    ...made,
  } as ComplianceEvent
}
const chats = (...texts: string[]) =>
  texts.map((content, n) => eventAt(n + 1, n, { kind: 'chat', chatId: n + 1, content }))
const FILE = { storedName: '3f6c.xlsx', fileName: 'prices.xlsx', size: 3, sha256: '0'.repeat(64) }
const TALK: ComplianceEvent[] = [
  eventAt(1, 0, { kind: 'join', session: 's-1' }),
  eventAt(2, 1, { kind: 'join', session: 's-2' }),
  eventAt(3, 0, { kind: 'chat', chatId: 1, content: 'good morning' }),
  eventAt(4, 1, { kind: 'chat', chatId: 2, content: 'sell the beans' }),
  eventAt(5, 0, { kind: 'chat', chatId: 3, content: 'two\nlines' }),
  eventAt(6, 2, { kind: 'backchat', firstChatId: 1, lastChatId: 3, query: 'beans' }),
  eventAt(7, 1, { kind: 'file-upload', ...FILE }),
  eventAt(8, 2, { kind: 'file-download', ...FILE }),
  eventAt(9, 1, { kind: 'chat', chatId: 4, content: 'Body', title: 'Frost' }),
  eventAt(10, 1, { kind: 'part', session: 's-2', reason: 'left' }),
]
const EVERYTHING: ComplianceEvent[] = [
  ...TALK,
  eventAt(11, 0, {
    kind: 'chat-replaced',
    chatId: 1,
    content: 'new',
    replaced: 'old',
    author: PEOPLE[1],
    postedAt: T0,
  }),
  eventAt(12, 0, { kind: 'chat-purged', chatId: 2, replaced: 'gone', author: PEOPLE[1], postedAt: T0 }),
  eventAt(13, 0, {
    kind: 'change',
    action: 'changed',
    subject: { type: 'room', uri: 'ma-chan://fourthcoffee.com/1', name: 'Desk' },
    before: { topic: 'a', members: ['sip:bob@fourthcoffee.com'], order: 3 },
    after: { topic: 'b', open: true, closedAt: null },
  }),
]

function documentOf(events: readonly ComplianceEvent[], profile = strictProfile): Uint8Array {
  const document = profile.open(options, context)
  if (events.length > 0) {
    const slice: RoomSlice = {
      ...{ room: { uri: 'ma-chan://fourthcoffee.com/1', name: 'Desk' }, events, slice: 1, last: true },
      ...{ rosterAtStart: [], rosterAtEnd: [{ session: 's-1', principal: PEOPLE[0]!, joinedAt: T0 }] },
    } as RoomSlice
    document.add(slice)
  }
  return document.finish()
}

async function pageOf(stylesheet: string, events: readonly ComplianceEvent[], profile = strictProfile): Promise<Page> {
  const document = documentOf(events, profile)
  const output = await engine.transform(stylesheet, document, { at: 0 })
  return checkPage(engine, { stylesheet, document, output, at: 0 })
}
const leftOut = ({ leftOut }: Page) => leftOut.map(({ kind, reason, events }) => `${events} ${kind} ${reason}`)

const IDENTITY =
  '<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>'
const without = (match: string) => sheet(`${IDENTITY}<xsl:template match="${match}" priority="2"/>`)
const each = (line: string, select = '//Messages/Message') =>
  sheet(`<xsl:template match="/"><Log><xsl:for-each select="${select}">${line}</xsl:for-each></Log></xsl:template>`)
const LINE =
  '<M type="{@type}" by="{Sender/@uri}" name="{Sender/@UserName}" at="{DateTimeUTC/@since1970}"><xsl:value-of select="@content"/></M>'
const fixture = (name: string) =>
  readFileSync(new URL(`../../../fixtures/stylesheets/${name}`, import.meta.url), 'utf8')

describe('a page shows everything', () => {
  it.each([
    ['strict', strictProfile, TALK],
    ['extended', extendedProfile, EVERYTHING],
  ] as const)('when it is the %s document itself, run or not', async (_, profile, events) => {
    const page = await pageOf(sheet(IDENTITY), events, profile)
    expect(page).toMatchObject({ leftOut: [], problems: [] })
    expect(pageOfDocument(documentOf(events, profile))).toEqual(page)
    expect(Object.values(page.shown).reduce((a, b) => a + b, 0)).toBe(events.length)
  })

  it.each([
    ['an archive’s import format', fixture('file-dump.xslt')],
    ['a transcript', fixture('transcript.xslt')],
    ['a table', fixture('messages-csv.xslt').replace('Sender/@uri', 'concat(Sender/@UserName, Sender/@uri)')],
    ['one line an event', each(LINE)],
    ['what is sorted by sender', each(LINE).replace('<M ', '<xsl:sort select="Sender/@uri"/><M ')],
    ['literals that look like tokens', each(`${LINE}<X>Tk0x0000000k</X>`)],
    ['texts in CDATA', each(LINE).replace('<xsl:template', '<xsl:output cdata-section-elements="M"/><xsl:template')],
    [
      'times cut to seconds',
      each(LINE)
        .replace('@since1970', '@string')
        .replace('{DateTimeUTC/@string}', '{substring(DateTimeUTC/@string, 1, 19)}'),
    ],
    ['times in seconds', each(LINE).replace('{DateTimeUTC/@since1970}', '{DateTimeUTC/@since1970 div 1000}')],
    ['addresses cut at their domain', each(LINE).replace('{Sender/@uri}', "{substring-before(Sender/@uri, '@')}")],
    [
      'people once, with what they said',
      sheet(`<xsl:key name="by" match="Messages/Message" use="Sender/@uri"/><xsl:template match="/"><Log>
        <xsl:for-each select="//Messages/Message[generate-id() = generate-id(key('by', Sender/@uri)[1])]">
        <P uri="{Sender/@uri}" name="{Sender/@UserName}"><xsl:for-each select="key('by', Sender/@uri)"><M at="{DateTimeUTC/@string}"><xsl:value-of select="@content"/></M></xsl:for-each></P>
        </xsl:for-each></Log></xsl:template>`),
    ],
  ])('as %s', async (_, stylesheet) => {
    expect(await pageOf(stylesheet, TALK)).toMatchObject({ leftOut: [], problems: [] })
  })

  it.each([
    ['strict', strictProfile],
    ['extended', extendedProfile],
  ] as const)('whatever was typed: %s', async (_, profile) => {
    const events = chats(...HOSTILE, 'Tk0x0000001k', '730519', '[STORY]', ']]>', '\u202eabc')
    const cdata = each(LINE).replace('<xsl:template', '<xsl:output cdata-section-elements="M"/><xsl:template')
    const ofTheStrict = profile === strictProfile ? [each(LINE), cdata] : []
    for (const stylesheet of [sheet(IDENTITY), ...ofTheStrict])
      expect(await pageOf(stylesheet, events, profile)).toMatchObject({ leftOut: [], problems: [] })
  })
})

it('finds who came on a whole second, whose stamp has no fraction', async () => {
  const join = (seq: number) => ({ ...eventAt(seq, seq, { kind: 'join', session: `s-${seq}` }), at: T0 + seq * 500 })
  const joins = [1, 2, 3].map(join)
  expect(await pageOf(fixture('transcript.xslt'), joins)).toMatchObject({ shown: { join: 3 }, leftOut: [] })
  const dropped = fixture('transcript.xslt').replace('"Messages/Message"', '"Messages/Message[position() != 2]"')
  expect(leftOut(await pageOf(dropped, joins))).toEqual(['1 join missing'])
})

describe('a page says what is not in it', () => {
  it.each<[string, string, string[], string[]]>([
    ['writes nothing', sheet('<xsl:output method="text"/><xsl:template match="/"/>'), ['4 chat missing'], ['empty']],
    [
      'selects empty names',
      each('<M by="{Sender/@userName}"><xsl:value-of select="@content"/></M>'),
      ['4 chat sender'],
      ['names'],
    ],
    [
      'names the first sender everywhere',
      each(
        '<M by="{//Sender[1]/@uri}" name="{//Sender[1]/@UserName}"><xsl:value-of select="@content"/></M>',
      ).replaceAll('//Sender[1]', '(//Sender)[1]'),
      ['2 chat sender'],
      [],
    ],
    [
      'names the person who spoke next',
      each(
        '<M by="{following-sibling::Message[1]/Sender/@uri}" name="{following-sibling::Message[1]/Sender/@UserName}"><xsl:value-of select="@content"/></M>',
      ),
      ['3 chat sender'],
      [],
    ],
    [
      'ends otherwise where something was said',
      each(LINE).replace('</Log>', `<xsl:if test="//@content[contains(., 'beans')]"><End/></xsl:if></Log>`),
      [],
      ['depends-on-texts'],
    ],
    ['has no texts', each('<M by="{Sender/@UserName}" at="{DateTimeUTC/@string}"/>'), ['4 chat in-part'], []],
    [
      'drops a chat by what it says',
      without("Message[contains(@content, 'beans')]"),
      ['1 chat changed'],
      ['depends-on-texts'],
    ],
    [
      'drops a chat by who said it',
      without("Message[Sender/@UserName = 'Bob Gage']"),
      ['1 chat changed'],
      ['depends-on-texts'],
    ],
    ['drops a chat by its number', without("Message[@id = '2']"), ['1 chat missing'], []],
    ['drops everybody without a name of their own', without("Message[Sender/@id = '11']"), ['1 chat missing'], []],
    [
      'repeats',
      each(LINE, '//Messages/Message').replace(
        '</Log>',
        `<xsl:for-each select="//Messages/Message">${LINE}</xsl:for-each></Log>`,
      ),
      ['4 chat repeated'],
      [],
    ],
    [
      'changes blanks',
      each(LINE.replace('"@content"', '"normalize-space(@content)"')),
      ['1 chat changed'],
      ['depends-on-texts'],
    ],
    [
      'cuts texts',
      each(LINE.replace('"@content"', '"substring(@content, 1, 26)"')),
      ['1 chat changed'],
      ['depends-on-texts'],
    ],
    [
      'translates letters',
      each(LINE.replace('"@content"', "\"translate(@content, 'abk', 'ABK')\"")),
      ['4 chat in-part'],
      ['depends-on-texts'],
    ],
    [
      'shows the first line',
      each(LINE.replace('"@content"', "\"substring-before(concat(@content, '&#10;'), '&#10;')\"")),
      ['1 chat in-part'],
      [],
    ],
    [
      'joins lines',
      each(LINE.replace('"@content"', "\"translate(@content, '&#10;', '')\"")),
      ['1 chat changed'],
      ['depends-on-texts'],
    ],
    [
      'sorts by what was said',
      each(LINE).replace('<M ', '<xsl:sort select="@content"/><M '),
      ['changed'],
      ['depends-on-texts'],
    ],
    [
      'writes texts unescaped',
      each(LINE.replace('"@content"', '"@content" disable-output-escaping="yes"')),
      ['4 chat malformed'],
      ['malformed'],
    ],
    [
      'puts XML together as text',
      sheet(
        '<xsl:output method="text"/><xsl:template match="/">&lt;Log><xsl:apply-templates select="//Messages"/></xsl:template>',
      ),
      ['4 chat malformed'],
      ['malformed'],
    ],
    [
      'adds words where something is said',
      each(`${LINE}<xsl:if test="contains(@content, 'beans')"><!-- --><Flag/></xsl:if>`),
      [],
      ['depends-on-texts'],
    ],
  ])('a stylesheet that %s', async (_, stylesheet, left, problems) => {
    const page = await pageOf(
      stylesheet,
      chats('good morning', 'sell the beans', 'two\nlines', 'a  <b> that is longer than twenty-six'),
    )
    expect(showsEverything(page)).toBe(false)
    if (left[0] === 'changed') expect(leftOut(page).join()).toContain('changed')
    else expect(leftOut(page)).toEqual(left)
    for (const problem of problems) expect(page.problems).toContain(problem)
  })

  it('by kind, also where an event has no text', async () => {
    expect(leftOut(await pageOf(without("Message[@type='JOIN']"), TALK))).toEqual(['1 join missing'])
    expect(leftOut(await pageOf(each(LINE, "//Messages/Message[@type!='JOIN']"), TALK))).toEqual(['2 join missing'])
    const short = each(LINE, "//Messages/Message[@type!='PART']").replace(/ at="[^"]*"/, '')
    expect(leftOut(await pageOf(short, TALK))).toEqual(['1 part missing'])
  })

  it('in an extended document too', async () => {
    const purged = "*[local-name()='Message'][@type='CHATPURGED']"
    expect(leftOut(await pageOf(without(purged), EVERYTHING, extendedProfile))).toEqual(['1 chat-purged missing'])
    expect(leftOut(await pageOf(without('@replaced'), EVERYTHING, extendedProfile))).toEqual([
      '1 chat-replaced in-part',
      '1 chat-purged in-part',
    ])
    expect(
      leftOut(await pageOf(without("*[local-name()='Property'][@value='b']"), EVERYTHING, extendedProfile)),
    ).toEqual(['1 change changed'])
  })

  it('of an interval without events: a file of 0 bytes', async () => {
    const nothing = sheet('<xsl:output method="text"/><xsl:template match="/"/>')
    expect(await pageOf(nothing, [])).toEqual({ shown: {}, leftOut: [], problems: ['empty'] })
    expect(await pageOf(sheet(IDENTITY), [])).toEqual({ shown: {}, leftOut: [], problems: [] })
  })
})

it('finds whichever chats a stylesheet drops, by number or by what they say', async () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(text, fc.boolean()), { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      async (said, byText) => {
        const events = chats(
          ...said.map(([content, dropped], n) => `${dropped && byText ? 'secret ' : ''}${n} ${content}`),
        )
        const dropped = said.flatMap(([, isDropped], n) => (isDropped ? [n + 1] : []))
        const test = byText
          ? "starts-with(@content, 'secret ')"
          : dropped.map((id) => `@id='${id}'`).join(' or ') || 'false()'
        const page = await pageOf(each(LINE, `//Messages/Message[not(${test})]`), events)
        const lost = page.leftOut.reduce((sum, { events }) => sum + events, 0)
        expect(lost).toBe(dropped.length)
        expect(page.shown.chat ?? 0).toBe(said.length - dropped.length)
        expect(showsEverything(page)).toBe(dropped.length === 0)
      },
    ),
    { numRuns: 60 },
  )
})

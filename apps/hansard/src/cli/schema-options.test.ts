import { Command } from 'commander'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { optionName } from './option-names.ts'
import { schemaOptions, type Texts, valuesOf } from './schema-options.ts'

const list = z.array(z.string())
const Change = z.strictObject({
  name: z.string().optional().describe('a new name'),
  fileUpload: z.boolean().optional().meta({ description: 'files may be uploaded', default: false }),
  chatHistory: z.boolean().optional().meta({ description: 'chats are kept', default: true }),
  privacy: z.enum(['open', 'closed']).optional().describe('who joins'),
  limit: z.number().int().min(1).max(10).optional().describe('so many'),
  addIn: z.string().nullable().optional().describe('a web page'),
  members: list.optional().describe('who is in it'),
  managers: z
    .union([z.strictObject({ set: list }), z.strictObject({ add: list.optional(), remove: list.optional() })])
    .optional(),
  disabled: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
})

function parse(
  schema: z.ZodObject,
  line: readonly string[],
  { bare = false, texts = {} as Texts<typeof schema> } = {},
) {
  const command = new Command('set').exitOverride().configureOutput({ writeErr: () => {} })
  schemaOptions(command, schema, { bare, texts })
  command.parse([...line], { from: 'user' })
  return valuesOf(schema, command.opts(), texts)
}

it('makes an option and a value of a switch that is added to the contract', () => {
  const WithSwitch = Change.extend({ readReceipts: z.boolean().optional().describe('who has read is shown') })

  expect(parse(WithSwitch, ['--read-receipts', 'on'])).toEqual({ readReceipts: true })
  expect(parse(WithSwitch, ['--read-receipts'], { bare: true })).toEqual({ readReceipts: true })
})

it('turns options into the values of a request, and leaves out what was not typed', () => {
  expect(parse(Change, [])).toEqual({})
  expect(
    parse(Change, ['--name', 'desk', '--history', 'off', '--privacy', 'closed', '--limit', '7', '--disabled', 'off']),
  ).toEqual({ name: 'desk', chatHistory: false, privacy: 'closed', limit: 7, disabled: false })
  expect(parse(Change, ['--no-add-in', '--member', 'a', '--member', 'b'])).toEqual({ addIn: null, members: ['a', 'b'] })
  expect(parse(Change, ['--add-manager', 'a', '--remove-manager', 'b'])).toEqual({
    managers: { add: ['a'], remove: ['b'] },
  })
  expect(parse(Change, ['--clear-managers'])).toEqual({ managers: { set: [] } })
})

it('gives something new bare switches, named by what they turn away from the default', () => {
  expect(parse(Change, ['--file-upload', '--no-history'], { bare: true })).toEqual({
    fileUpload: true,
    chatHistory: false,
  })
  expect(parse(Change, [], { bare: true })).toEqual({})
})

it.each([
  [['--limit', '11'], 'It takes a whole number from 1 to 10.'],
  [['--limit', '0'], 'It takes a whole number from 1 to 10.'],
  [['--privacy', 'ajar'], 'Allowed choices are open, closed.'],
  [['--file-upload', 'yes'], 'Allowed choices are on, off.'],
])('refuses %j before anything is sent', (line, message) => {
  expect(() => parse(Change, line)).toThrow(message)
})

it('leaves out what a verb says in its own way, and reads what it parses itself', () => {
  const texts = { name: 'left out', limit: { option: 'most', takes: '<n>', parse: (text: string) => 2 * Number(text) } }

  expect(parse(Change, ['--most', '4'], { texts: texts as never })).toEqual({ limit: 8 })
  expect(() => parse(Change, ['--name', 'desk'], { texts: texts as never })).toThrow('unknown option')
})

it('calls an option like the property, in words', () => {
  expect(['fileUpload', 'chatHistory', 'name'].map(optionName)).toEqual(['file-upload', 'history', 'name'])
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PoolOnTheLine, startPoolOnTheLine } from '../command-line-in-test.ts'

let line: PoolOnTheLine
const folder = mkdtempSync(join(tmpdir(), 'hansard-logs-'))
beforeAll(async () => {
  line = await startPoolOnTheLine()
})
afterAll(async () => {
  await line[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const LOG = '[12:00] <jos\u00e9> caf\u00e9\n[12:01] <jos\u00e8> th\u00e9\n'
function write(name: string, bytes: Buffer): string {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}
const rooms = async () => (await line.json(['rooms', 'list'])).rooms.map(({ name }: { name: string }) => name)

it.each([
  ['latin.log', Buffer.from(LOG, 'latin1'), 'is not UTF-8: line 1, byte 12 (0xe9).', '--encoding'],
  ['wide.log', Buffer.from(`\ufeff${LOG}`, 'utf16le'), 'is not UTF-8: line 1, byte 0 (0xff).', '--encoding'],
  ['notes.txt', Buffer.from('Dear diary,\n\nnothing.\n'), 'is no log: none of its 3 lines', 'Nothing was made'],
  ['empty.log', Buffer.from(''), 'is no log: none of its 0 lines', 'Nothing was made'],
])('refuses %s and says why, before anything is made', async (name, bytes, message, hint) => {
  const good = write('good.log', Buffer.from('[12:00] <ann> hello\n'))
  const before = await rooms()

  const { exitCode, stdout, stderr } = await line.hansard(['replay', good, write(name, bytes)])

  expect([exitCode, stdout]).toEqual([2, ''])
  expect(stderr).toContain(`${join(folder, name)} ${message}`)
  expect(stderr).toContain(hint)
  expect(await rooms()).toEqual(before)
})

it('plays a log in the encoding that is named, with two people as two', async () => {
  const summary = await line.json(['replay', write('old.log', Buffer.from(LOG, 'latin1')), '--encoding', 'latin1'])

  expect(summary).toMatchObject({ chats: 2, joins: 2 })
  const { users } = await line.json(['users', 'list', '--filter', 'jos*'])
  expect(users.map(({ account }: { account: string }) => account)).toEqual(['jos\u00e8', 'jos\u00e9'])
  expect(await line.hansard(['replay', folder, '--encoding', 'klingon'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('name of an encoding'),
  })
})

import { PassThrough } from 'node:stream'
import { Env } from '@hansard/config'
import { runCommandLine } from '@hansard/hansard'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { differences, MANAGING, type Managing } from './differences.ts'
import { type Answer, expectedOfAdminApi } from './matrix.ts'
import { type MatrixPool, startMatrixPool } from './matrix-pool.ts'
import { type MatrixPerson, PEOPLE, PLACES } from './situations.ts'
import type { RoomOnTrial } from './websocket-door.ts'

let pool: MatrixPool
beforeAll(async () => {
  pool = await startMatrixPool()
})
afterAll(() => pool?.[Symbol.asyncDispose]())

describe('the permission matrix', () => {
  it('holds through the command line', async () => {
    const { tried, different } = await differences(
      pool,
      MANAGING,
      (operation, person, room) => onCommandLine(person, operation, room),
      expectedOfAdminApi,
    )

    expect(different).toEqual([])
    expect(tried).toBe(PLACES.length * PEOPLE.length * MANAGING.length)
  })
})

async function onCommandLine(person: MatrixPerson, operation: Managing, room: RoomOnTrial): Promise<Answer> {
  const name = room.uri
  const lines: Record<Managing, readonly string[]> = {
    'see-roles': ['rooms', 'show', name],
    'change-room': ['rooms', 'set', name, '--topic', `typed ${room.name}`],
    'change-roles': ['rooms', 'set', name, '--remove-manager', room.bystander],
    'disable-room': ['rooms', 'disable', name],
    'enable-room': ['rooms', 'enable', name],
    'move-room': ['rooms', 'set', name, '--category', room.otherCategory],
    'delete-room': ['rooms', 'remove', name, '--yes'],
    'clear-room': ['rooms', 'clear', name, '--through', '2000-01-01', '--yes'],
    'purge-chats': ['chats', 'remove', name, '--words', 'a-word-that-nobody-said', '--yes'],
  }
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const exitCode = await runCommandLine([...lines[operation], '--server', pool.server, '--as', person.name, '--json'], {
    stdin,
    stdout,
    stderr,
    env: new Env({ HANSARD_AS_PASSWORD: pool.key(person) }),
    stop: new AbortController().signal,
  })
  if (exitCode === 0) return 'yes'
  const failure = JSON.parse(String(stderr.read())) as { code?: string; error: string }
  return failure.code ?? failure.error
}

import { connect } from '@hansard/client'
import { expect } from 'vitest'
import type { Admin } from './admin.ts'
import { hansardCommand } from './hansard-command.ts'
import { readExports } from './read-exports.ts'

const ROOM = 'desk'

/** A person who posts, and remembers which chats were acknowledged. */
export async function startTalker(admin: Admin, server: () => string) {
  const { users } = await admin.ask('addUsers', { users: [{ account: 'alice', generateKey: true }] })
  const password = users[0]!.key!
  const { rooms } = await admin.ask('addRooms', { rooms: [{ name: ROOM, privacy: 'open' }] })
  const room = rooms[0]!.uri
  const acknowledged: string[] = []
  return {
    acknowledged,
    async says(...texts: string[]): Promise<void> {
      const client = await connect({ server: server(), account: 'alice', password })
      try {
        const desk = await client.join(room)
        for (const text of texts) {
          await desk.post(text)
          acknowledged.push(text)
        }
      } finally {
        await client.close()
      }
    },
  }
}

/** The acknowledged chats that are neither on the page of an export nor in the quarantine. */
export async function nowhere(
  admin: Admin,
  { acknowledged, exports }: { acknowledged: readonly string[]; exports: string },
): Promise<string[]> {
  const shown = new Set((await readExports(exports)).map(({ content }) => content))
  const quarantined = (await admin.ask('quarantine')).events.map(({ body }) => body)
  expect(shown.size).toBeGreaterThan(0)
  return acknowledged.filter((text) => !shown.has(text) && !quarantined.some((body) => body.includes(text)))
}

/** The alarms that name what a pool database that was set back no longer has. */
export async function setBackAlarms(admin: Admin): Promise<string[]> {
  const { alarms } = await admin.ask('status')
  return alarms.filter((alarm) => alarm.includes('was set back'))
}

/** The exit code of the offline verifier, and what it said. */
export async function verify(exports: string): Promise<{ code: number | null; stdout: string }> {
  return hansardCommand(['verify', exports])
}

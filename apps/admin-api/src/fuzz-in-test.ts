import { connect } from 'node:net'
import { PROBLEM_STATUS, Problem } from '@hansard/admin-contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminInTest, NOW, openAdminInTest } from './admin-in-test.ts'
import { createDice, type HostileRequest, hostileRequest } from './hostile-requests-in-test.ts'

const SEED = Number(process.env['HANSARD_SEED'] ?? 20_261_121)
const AT_ONCE = 30
/** Names that must not be revealed to a caller without a role, not even through another answer. */
const SECRETS = ['Zugspitze Desk', 'Wendelstein Wall', 'brunhilde', 'kriemhild', 'Nibelungen', 'Fafnir Add-in']

export const fuzz = (dialect: 'sqlite' | 'postgres', requests: number) =>
  describe.each([[dialect, requests]] as const)('a hostile caller, on %s', (dialect, requests) => {
    let test: AdminInTest
    beforeAll(async () => {
      test = await openAdminInTest(dialect)
    })
    afterAll(() => test?.close())

    it(`is refused with the reason, and learns nothing (seed ${SEED})`, { timeout: 900_000 }, async () => {
      const operator = await test.signIn()
      const users = [{ account: 'brunhilde' }, { account: 'kriemhild' }]
      await test.done('addUsers', { token: operator, body: { users } })
      const administrator = await test.addUser('admin of the fuzz', { roles: ['administrator'] })
      const everything = await test.addUser('everything', { roles: ['operator', 'officer', 'auditor'] })
      const nobody = await test.addUser('nobody in particular')
      await test.done('addGroup', { token: operator, body: { name: 'Nibelungen', members: ['kriemhild'] } })
      await test.done('addAddIn', { token: operator, body: { name: 'Fafnir Add-in', url: 'https://example.com' } })
      const walled = { name: 'Wendelstein Wall', allowed: ['brunhilde', 'ma-grp:Nibelungen@example.com'] }
      const category = await test.done('addCategory', { token: operator, body: walled })
      const rooms = []
      for (const privacy of ['open', 'closed', 'secret']) {
        const body = { name: `Zugspitze Desk ${privacy}`, category: walled.name, privacy, members: ['brunhilde'] }
        rooms.push(await test.done('createRoom', { token: operator, body }))
      }
      const uris = [category.uri, ...rooms.map((room) => room.uri), 'sip:brunhilde@example.com']
      const known = { names: [...SECRETS, ...rooms.map((room) => room.name), ...uris], times: [NOW, NOW - 86_400_000] }
      const callers = [
        { token: administrator, mayAnything: true },
        { token: everything, mayAnything: true },
        { token: nobody, mayAnything: false },
        { token: nobody, mayAnything: false },
        { token: undefined, mayAnything: false },
      ]
      const told = new Map<number, number>()
      const dice = createDice(SEED)

      for (let sent = 0; sent < requests; sent += AT_ONCE) {
        const batch = Array.from({ length: AT_ONCE }, () => ({
          request: hostileRequest(dice, known),
          caller: dice.pick(callers),
        }))
        await Promise.all(
          batch.map(async ({ request, caller }) => {
            const { status, text } = await send(request, caller.token)
            const where = `${request.method} ${request.url.slice(0, 300)} ${request.payload?.slice(0, 500)} → ${status} ${text.slice(0, 500)}`
            told.set(status, (told.get(status) ?? 0) + 1)
            if (request.method === 'OPTIONS') return
            // Signing out answers the same for any token: whether it was one is not told.
            const open = ['openapi', 'signIn', 'signOut'].includes(request.route)
            if (status === 200 && (caller.mayAnything || open)) return
            expect(status, `${where} ${status === 500 ? test.failures.at(-1) : ''}`).not.toBe(500)
            const problem = Problem.safeParse(JSON.parse(text))
            expect(problem.success, where).toBe(true)
            expect(PROBLEM_STATUS[problem.data!.error], where).toBe(status)
            if (caller.mayAnything) return
            const leaked = [...SECRETS, ...uris].filter((secret) => text.includes(secret))
            expect(leaked.join(), where).toBe('')
          }),
        )
      }

      // Most requests were refused, many succeeded, and the API still works.
      expect(Math.min(told.get(200) ?? 0, told.get(400) ?? 0, told.get(403) ?? 0, told.get(404) ?? 0)).toBeGreaterThan(
        200,
      )
      const after = await test.done('createRoom', { token: operator, body: { name: 'after', category: 'General' } })
      expect((await test.done('showRoom', { token: operator, deps: { room: 'after' } })).uri).toBe(after.uri)
      await test.done('status', { token: operator })
    })

    it('gets a problem or is disconnected when it does not even speak HTTP', async () => {
      await test.app.listen({ port: 0, host: '127.0.0.1' })
      const { port } = test.app.server.address() as { port: number }
      const say = async (bytes: string): Promise<string> => {
        const socket = connect(port, '127.0.0.1')
        let heard = ''
        socket.on('data', (data) => {
          heard += data.toString()
        })
        socket.on('error', () => {})
        socket.end(bytes)
        await new Promise((resolve) => socket.once('close', resolve))
        return heard
      }
      const all = [
        'hello\r\n\r\n',
        'GET /admin/status HTTP/9.9\r\n\r\n',
        `GET /admin/rooms/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
        'GET /admin/rooms/%E0%A4%A HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
        'GET /admin/../admin/users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
        'POST /admin/users HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
        'POST /admin/users HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello',
        'POST /admin/sign-in HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n{}',
        `GET /admin/status HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
      ]
      for (const bytes of all) {
        const heard = await say(bytes)
        const body = heard.slice(heard.indexOf('\r\n\r\n') + 4)
        const where = `${bytes.slice(0, 80)} → ${heard.slice(0, 500)}`
        if (heard !== '') expect(Problem.safeParse(JSON.parse(body)).success, where).toBe(true)
      }
      expect(await say('GET /admin/openapi.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain('"3.1.0"')
    })

    async function send(
      { method, url, contentType, payload }: HostileRequest,
      token: string | undefined,
    ): Promise<{ status: number; text: string }> {
      return test.inject({
        method: method as 'GET',
        url,
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...(contentType ? { 'content-type': contentType } : {}),
        },
        ...(payload === undefined ? {} : { payload }),
      })
    }
  })

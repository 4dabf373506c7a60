import { connect, type PoolClient } from '@hansard/client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openAdmin } from './admin.ts'
import { type EnterprisePool, startEnterprisePool } from './enterprise-pool.ts'

const PEOPLE = ['alice', 'bob', 'carol']
const keys = new Map<string, string>()
let pool: EnterprisePool
const clients: PoolClient[] = []
beforeAll(async () => {
  pool = await startEnterprisePool({
    channelServices: 2,
    workers: 1,
    env: { HANSARD_CHANNEL_DECLARE_DEAD_AFTER_SECONDS: '10' },
  })
}, 120_000)
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await pool.stop()
})

async function signIn(account: string): Promise<PoolClient> {
  const client = await connect({ server: pool.server, account, password: keys.get(account)! })
  clients.push(client)
  return client
}
/** The assignments of lookup, several times: two services alternate. */
async function handedOut(account: string): Promise<string[]> {
  const endpoints = new Set<string>()
  for (let n = 0; n < 6; n += 1) {
    const response = await fetch(`${pool.server}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account, password: keys.get(account)! }),
    })
    if (response.status === 200) endpoints.add(((await response.json()) as { endpoint: string }).endpoint)
  }
  return [...endpoints].sort()
}

it('no client is assigned to a killed or stopped service, and its participants leave the rosters automatically', async () => {
  const admin = await openAdmin(pool.server)
  const { users } = await admin.ask('addUsers', { users: PEOPLE.map((account) => ({ account, generateKey: true })) })
  for (const { account, key } of users) keys.set(account, key!)
  const { rooms } = await admin.ask('addRooms', { rooms: [{ name: 'desk', privacy: 'open' }] })
  const room = rooms[0]!.uri
  const [one, two] = pool.ports.channels.map((port) => `ws://127.0.0.1:${port}/channel`)
  expect(await handedOut('carol')).toEqual([one, two].sort())

  // Bob's client is not the SDK and does not reconnect.
  const bob = await signInAt(one!, 'bob')
  await bob.ask({ t: 'join', room })
  await pool.channels[0]!.kill()

  expect(await handedOut('carol')).toEqual([two])
  const alice = await signIn('alice')
  const desk = await alice.join(room)
  const names = async () => (await desk.roster()).map(({ name }) => name).sort()
  expect(await names()).toEqual(['alice', 'bob'])
  await expect.poll(names, { timeout: 60_000 }).toEqual(['alice'])

  await pool.channels[0]!.start()
  await expect.poll(() => handedOut('carol')).toEqual([one, two].sort())
  await pool.channels[0]!.stop()
  expect(await handedOut('carol')).toEqual([two])
})

/** A WebSocket that signs in at one service and does nothing else. */
async function signInAt(endpoint: string, account: string) {
  for (;;) {
    const response = await fetch(`${pool.server}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account, password: keys.get(account)! }),
    })
    const granted = (await response.json()) as { endpoint: string; token: string }
    if (granted.endpoint !== endpoint) continue
    const socket = new WebSocket(endpoint)
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    let requests = 0
    const ask = (message: object) =>
      new Promise<void>((resolve) => {
        requests += 1
        const re = requests
        socket.addEventListener('message', ({ data }) => {
          if ((JSON.parse(String(data)) as { re?: number }).re === re) resolve()
        })
        socket.send(JSON.stringify({ ...message, id: re }))
      })
    await ask({ t: 'sign-in', token: granted.token })
    return { ask }
  }
}

import type { Admin } from '@hansard/test-pool'
import { openRawClient, type RawClient } from './raw-client.ts'

/** A signed-in session that has joined one room, and counts what it receives. */
export type Talker = {
  readonly client: RawClient
  readonly room: string
  /** chats received */
  received: number
  /** called with the request number when a post is acknowledged */
  onPosted: (re: number) => void
  /** called with each chat received */
  onChat: (payload: Buffer) => void
  post(id: number): void
  /** Posts a text that needs no escaping. */
  say(id: number, text: string): void
}

const TEXT = 'Twelve lots at the open, and nothing said about it anywhere else. '.repeat(3).slice(0, 200)
const POSTED = Buffer.from('{"t":"posted"')
const CHATS = ['{"t":"chat",', '{"t":"c",'].map((start) => Buffer.from(start))

let generation = 0

/** `sessions` users, distributed evenly over `rooms` new rooms. */
export async function seatTalkers(options: {
  admin: Admin
  endpoints: readonly string[]
  sessions: number
  rooms: number
  /** called when accounts and rooms exist, before anybody signs in */
  beforeSeating?: () => void
}): Promise<Talker[]> {
  const { admin, endpoints, sessions, rooms, beforeSeating } = options
  generation += 1
  const accounts = Array.from({ length: sessions }, (_, n) => `bench-${generation}-${n}`)
  const keys = await addAccounts(admin, accounts)
  const { rooms: made } = await admin.ask('addRooms', {
    rooms: Array.from({ length: rooms }, (_, n) => ({ name: `bench ${generation} ${n}`, privacy: 'open' as const })),
  })
  beforeSeating?.()
  const talkers: Talker[] = []
  for (let from = 0; from < sessions; from += 100) {
    const batch = accounts.slice(from, from + 100).map((account, n) => {
      const index = from + n
      return seat({
        url: endpoints[index % endpoints.length]!,
        account,
        key: keys[index]!,
        room: made[index % rooms]!.uri,
      })
    })
    talkers.push(...(await Promise.all(batch)))
  }
  return talkers
}

export async function addAccounts(admin: Admin, accounts: readonly string[]): Promise<string[]> {
  const keys: string[] = []
  for (let from = 0; from < accounts.length; from += 1_000) {
    const { users } = await admin.ask('addUsers', {
      users: accounts.slice(from, from + 1_000).map((account) => ({ account, generateKey: true })),
    })
    keys.push(...users.map((user) => user.key!))
  }
  return keys
}

export async function signedIn(url: string, account: string, key: string): Promise<RawClient> {
  const client = await openRawClient(url)
  await ask(client, { t: 'sign-in', id: 0, account, password: key })
  return client
}

async function seat({
  url,
  account,
  key,
  room,
}: {
  url: string
  account: string
  key: string
  room: string
}): Promise<Talker> {
  const client = await signedIn(url, account, key)
  await ask(client, { t: 'join', id: 0, room, brief: true })
  const post = (id: number, text: string) =>
    client.send(`{"t":"post","room":${JSON.stringify(room)},"text":"${text}","post":"${id}","id":${id}}`)
  const talker: Talker = {
    client,
    room,
    received: 0,
    onPosted: () => {},
    onChat: () => {},
    post: (id) => post(id, TEXT),
    say: post,
  }
  client.onFrame = (payload) => {
    if (CHATS.some((start) => startsWith(payload, start))) {
      talker.received += 1
      talker.onChat(payload)
    } else if (startsWith(payload, POSTED)) talker.onPosted(numberAfter(payload, '"re":'))
    else if (payload.includes('"refused"')) throw new Error(payload.toString())
  }
  return talker
}

function ask(client: RawClient, message: object): Promise<void> {
  return new Promise((resolve, reject) => {
    client.onFrame = (payload) => {
      const reply = JSON.parse(payload.toString()) as { re?: number; t: string; message?: string }
      if (reply.re === undefined) return
      if (reply.t === 'refused') reject(new Error(reply.message))
      else resolve()
    }
    client.send(JSON.stringify(message))
  })
}

function startsWith(payload: Buffer, prefix: Buffer): boolean {
  return payload.length >= prefix.length && payload.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}

function numberAfter(payload: Buffer, label: string): number {
  let value = 0
  for (let at = payload.indexOf(label) + label.length; payload[at]! >= 48 && payload[at]! <= 57; at += 1) {
    value = value * 10 + payload[at]! - 48
  }
  return value
}

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { type WebSocket, WebSocketServer } from 'ws'

/**
 * The reference: a bare `ws` server that implements just enough of the protocol to be driven by the same load. It
 * checks nothing and guarantees nothing, and without `REFERENCE_DATABASE_URL` it stores nothing: a post is
 * acknowledged and sent to every member of the room at once. With it, posts are first inserted into a table of that
 * PostgreSQL database: posts that arrive during a statement share the next one.
 */
type Post = { readonly socket: WebSocket; readonly id: number; readonly room: string; readonly text: string }
const rooms = new Map<string, Set<WebSocket>>()
const server = createServer()
const wss = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false })
const databaseUrl = process.env['REFERENCE_DATABASE_URL']
const keep = databaseUrl === undefined ? undefined : await openTable(databaseUrl)
let chats = 0

async function openTable(url: string): Promise<(posts: readonly Post[]) => Promise<void>> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('create table chat (id bigserial primary key, room text not null, content text not null)')
  return async (posts) => {
    const values = [posts.map(({ room }) => room), posts.map(({ text }) => text)]
    const text = 'insert into chat (room, content) select * from unnest($1::text[], $2::text[])'
    await client.query({ name: 'insert', text, values })
  }
}

let waiting: Post[] = []
let keeping = false
async function keepWaiting(): Promise<void> {
  keeping = true
  while (waiting.length > 0) {
    const posts = waiting
    waiting = []
    await keep!(posts)
    for (const post of posts) deliver(post)
  }
  keeping = false
}

function deliver({ socket, id, room, text }: Post): void {
  chats += 1
  const from = { uri: 'x', name: 'x' }
  const frame = JSON.stringify({ t: 'chat', room, chat: chats, at: Date.now(), from, text })
  socket.send(JSON.stringify({ t: 'posted', re: id, chat: chats, at: 0 }))
  for (const member of rooms.get(room) ?? []) member.send(frame)
}

wss.on('connection', (socket) => {
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString())
    if (message.t === 'post') {
      const { id, room, text } = message
      if (!keep) return deliver({ socket, id, room, text })
      waiting.push({ socket, id, room, text })
      if (!keeping) void keepWaiting()
    } else if (message.t === 'join') {
      const members = rooms.get(message.room) ?? new Set()
      rooms.set(message.room, members.add(socket))
      socket.send(JSON.stringify({ t: 'joined', re: message.id }))
    } else {
      socket.send(JSON.stringify({ t: 'signed-in', re: message.id }))
    }
  })
  socket.on('error', () => {})
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  process.stdout.write(`${JSON.stringify({ ready: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/` })}\n`)
})

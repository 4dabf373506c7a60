import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/**
 * The reference: a bare `ws` server that implements just enough of the protocol to be driven by the same load. It
 * stores nothing, checks nothing and guarantees nothing: a post is acknowledged and sent to every member of the room
 * at once.
 */
const rooms = new Map<string, Set<WebSocket>>()
const server = createServer()
const wss = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false })
let chats = 0
wss.on('connection', (socket) => {
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString())
    if (message.t === 'post') {
      chats += 1
      const frame = JSON.stringify({
        t: 'chat',
        room: message.room,
        chat: chats,
        at: 0,
        from: { uri: 'x', name: 'x' },
        text: message.text,
      })
      socket.send(JSON.stringify({ t: 'posted', re: message.id, chat: chats, at: 0 }))
      for (const member of rooms.get(message.room) ?? []) member.send(frame)
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

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '@hansard/clock'
import { addressKey } from '@hansard/config'
import { type Loop, startLoop } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import { endWithProblem } from './problems.ts'
import type { Trust } from './trusted-proxies.ts'

/**
 * Connections that carry no session: those that have just come, are sending a request, or wait for the next one.
 *
 * The danger is a client that connects, begins something and never ends it. Each such connection holds a descriptor,
 * and a process without descriptors can neither accept anybody nor write an export. So pending connections have a limit
 * in total and one for each address; where it is reached the oldest one whose request is not being answered is closed,
 * because a real client sends its request at once. A request that arrives too slowly is answered with 408.
 *
 * A connection that becomes a WebSocket is not counted here any more: the channel service limits sessions itself. A
 * server without a channel has no listener for upgrades, so Node treats such a request as any other.
 */
export type ConnectionLimits = {
  /** Marks a request whose body may take as long as it likes, as long as it goes on. */
  allowLongBody(request: IncomingMessage): void
  /** The connection becomes a session: it is not counted here any more. */
  upgraded(socket: Duplex): void
  pending(): number
  readonly loop: Loop
}

type PendingLimits = {
  readonly pendingMax: number
  readonly pendingPerAddressMax: number
  readonly bodyMs: number
  readonly progressMs: number
}

type Pending = {
  readonly socket: Socket
  /** what it is counted by; undefined for a proxy, whose connections are everybody's */
  readonly address: string | undefined
  readonly name: string
  request?: {
    readonly message: IncomingMessage
    readonly response: ServerResponse
    readonly since: number
    /** when the sweep found the response finished */
    answeredAt?: number
  }
  progress?: { readonly of: IncomingMessage; readonly since: number; readonly read: number; readonly written: number }
}

const SWEEP_MS = 1_000
/** A long body that brings less than this in `progressMs` is given up: 4 KiB a minute is slower than any link in use. */
const PROGRESS_BYTES = 4_096

export function limitConnections(
  server: Server,
  { clock, log, trust, limits }: { clock: Clock; log: Log; trust: Trust; limits: PendingLimits },
): ConnectionLimits {
  // Both in the order the connections came. By name, because TLS wraps the socket that came in another one.
  const all = new Map<string, Pending>()
  const byAddress = new Map<string, Set<Pending>>()
  const longBodies = new WeakSet<IncomingMessage>()
  let closed = 0

  const forget = (pending: Pending) => {
    all.delete(pending.name)
    const neighbours = pending.address === undefined ? undefined : byAddress.get(pending.address)
    neighbours?.delete(pending)
    if (neighbours?.size === 0) byAddress.delete(pending.address!)
  }

  const isBeingAnswered = ({ request }: Pending) =>
    request !== undefined &&
    !request.response.writableFinished &&
    (request.message.complete || longBodies.has(request.message))

  /** Closes the oldest connection among these that is not being answered. False when each of them is. */
  const makeRoom = (among: Iterable<Pending>): boolean => {
    for (const pending of among) {
      if (isBeingAnswered(pending)) continue
      forget(pending)
      pending.socket.destroy()
      closed += 1
      return true
    }
    return false
  }

  server.on('connection', (socket) => {
    const remote = socket.remoteAddress
    if (remote === undefined) return void socket.destroy()
    const address = trust(remote) ? undefined : addressKey(remote)
    const neighbours = address === undefined ? undefined : byAddress.get(address)
    const crowded =
      neighbours && neighbours.size >= limits.pendingPerAddressMax
        ? neighbours
        : all.size >= limits.pendingMax
          ? all.values()
          : undefined
    if (crowded && !makeRoom(crowded)) {
      closed += 1
      return void socket.destroy()
    }
    const pending: Pending = { socket, address, name: nameOf(socket) }
    all.set(pending.name, pending)
    if (address !== undefined) {
      const present = byAddress.get(address)
      if (present) present.add(pending)
      else byAddress.set(address, new Set([pending]))
    }
    socket.once('close', () => forget(pending))
  })
  server.on('request', (message, response) => {
    const pending = all.get(nameOf(message.socket))
    if (pending) pending.request = { message, response, since: clock.uptime() }
  })

  const sweep = () => {
    const now = clock.uptime()
    for (const pending of all.values()) {
      const { request } = pending
      if (!request) continue
      const { message, response, since } = request
      if (response.writableFinished && request.answeredAt === undefined) request.answeredAt = now
      if (message.complete && response.writableFinished) delete pending.request
      else if (!message.complete && (!longBodies.has(message) || response.writableFinished)) {
        // What is left of a long body after its answer has as long as a short one.
        const from = longBodies.has(message) ? (request.answeredAt ?? now) : since
        if (now - from > limits.bodyMs) giveUp(pending, message.socket)
      } else if (isStuck(pending, request, { now, progressMs: limits.progressMs })) giveUp(pending, message.socket)
    }
    if (closed > 0)
      log.warn({ closed, pending: all.size }, 'connections without a session were closed: there were too many')
    closed = 0
  }

  const giveUp = (pending: Pending, socket: Duplex) => {
    forget(pending)
    if (pending.request?.response.headersSent) socket.destroy()
    else endWithProblem(socket, { status: 408, error: 'malformed', message: 'The request did not arrive in time.' })
  }

  const loop = startLoop({
    clock,
    everyMs: SWEEP_MS,
    turn: async () => sweep(),
    onError: (error) => log.warn({ err: error }, 'looking for stuck connections failed'),
  })
  return {
    allowLongBody: (request) => void longBodies.add(request),
    upgraded(socket) {
      const pending = all.get(nameOf(socket as Socket))
      if (pending) forget(pending)
    },
    pending: () => all.size,
    loop,
  }
}

/** Whether a long body has brought too little in the last period, or the client has read nothing of what waits for it. */
function isStuck(
  pending: Pending,
  { message, response }: NonNullable<Pending['request']>,
  { now, progressMs }: { now: number; progressMs: number },
): boolean {
  const { bytesRead: read, bytesWritten: written } = message.socket
  const before = pending.progress
  if (before?.of === message && now - before.since < progressMs) return false
  pending.progress = { of: message, since: now, read, written }
  if (before?.of !== message) return false
  // A body that waits in our own memory is late because of us.
  const sendsNothing =
    !message.complete && read - before.read < PROGRESS_BYTES && message.readableLength < message.readableHighWaterMark
  const readsNothing = response.writableLength > 0 && written === before.written
  return sendsNothing || readsNothing
}

function nameOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

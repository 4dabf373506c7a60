import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { endWithProblem, type HttpServer } from '@hansard/http'
import type { Log } from '@hansard/log'
import { FRAME_BYTES_MAX } from '@hansard/wire'
import { type WebSocket, WebSocketServer } from 'ws'
import { partAllRooms } from '../departures/part-room.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { receive } from '../requests/receive.ts'
import { recordRefusal } from '../requests/record-refusal.ts'
import type { Outgoing } from './frames.ts'
import { answerProbe, isProbe } from './probe.ts'
import { Session } from './session.ts'

const KEEP_ALIVE_MS = 30_000

/** Takes over a WebSocket upgrade, or refuses it. The caller has matched the path, and may know the client's address better. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, remote?: string) => void

/** The door of the service: makes sessions of connections until it is closed. */
type Door = {
  readonly upgrade: Upgrade
  /** Refuses every further connection. */
  close(): void
  /** Takes everybody out of their rooms and says goodbye; resolves when that is on record and the connections are gone. */
  dismissAll(): Promise<void>
}

export function openDoor(
  deps: ChannelServiceDeps,
  { outgoing, log, name }: { outgoing: Outgoing; log: Log; name: string },
): Door {
  const { connections, writer } = deps
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
    clientTracking: false,
  })
  let closed = false

  const admit = (remote: string, socket: Socket, ws: WebSocket) => {
    const { config, clock, attention, requests, byteLimits } = deps
    const session = new Session({
      id: crypto.randomUUID(),
      remote,
      socket,
      ws,
      outgoing,
      bufferMax: config.sessionBufferMax,
      requestsPerSecond: config.requestsPerSecond,
      now: clock.uptime(),
      onRefused: (re, code) => recordRefusal(deps, session, { re, code }),
    })
    connections.add(session)
    // A client whose machine vanished says nothing; the kernel finds out.
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    let deadline: { cancel(): void }
    const expectSignIn = () => {
      deadline = clock.after(config.signInWithinMs, () => {
        if (session.principal) return
        // On a busy service a password waits for others to be checked first: its sender is not late.
        if (session.signingIn) expectSignIn()
        else session.close(1008, 'sign in sooner')
      })
    }
    expectSignIn()
    ws.on('message', (data, isBinary) => {
      if (isBinary) session.refuse(undefined, 'malformed', 'Frames are text, not binary.')
      else receive(deps, session, data.toString())
    })
    ws.on('error', (error) => log.debug({ err: error, session: session.id }, 'connection error'))
    ws.on('close', () => {
      session.closed = true
      deadline.cancel()
      connections.remove(session)
      attention.ended(session)
      requests.ended(session)
      byteLimits.ended(session)
      void partAllRooms(deps, session, closed ? 'stopped' : 'disconnected')
    })
  }

  return {
    upgrade(request, socket, head, address) {
      const remote = address ?? request.socket.remoteAddress ?? 'unknown'
      if (!closed && isProbe(request)) return answerProbe(socket, name)
      if (closed || !connections.mayConnect(remote)) {
        const message = closed ? 'This service is stopping.' : 'This service has no room for another connection.'
        return endWithProblem(socket, { status: 503, error: 'try-again', message }, { 'retry-after': '1' })
      }
      wss.handleUpgrade(request, socket, head, (ws) => admit(remote, socket as Socket, ws))
    },
    close() {
      closed = true
    },
    async dismissAll() {
      for (const session of connections.all) {
        void partAllRooms(deps, session, 'stopped')
        session.close(1001, 'this service is stopping')
      }
      await writer.drained()
      for (const session of connections.all) session.cutOff()
      wss.close()
    },
  }
}

/** Lets an HTTP server pass WebSocket upgrades under `path` to a channel service; others are refused. */
export function attachChannelService(
  server: Pick<HttpServer, 'takeUpgrades' | 'remoteOf'>,
  path: string,
  service: { readonly upgrade: Upgrade },
): void {
  server.takeUpgrades((request, socket, head) => {
    // Not parsed as a URL: a stranger may send anything.
    const pathname = (request.url ?? '/').split('?', 1)[0]
    if (pathname === path) service.upgrade(request, socket, head, server.remoteOf(request))
    else endWithProblem(socket, { status: 404, error: 'not-found', message: 'There is nothing at this path.' })
  })
}

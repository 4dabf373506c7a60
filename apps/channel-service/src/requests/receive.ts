import { ClientMessage, type ServerMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { HANDLERS, type Handler } from './handlers.ts'
import { refuseUnreachable } from './refusals.ts'

const MALFORMED_MAX = 100

/** Reads one frame of a client and answers it, with a reply or a refusal. Never throws. */
export function receive(deps: ChannelServiceDeps, session: Session, data: string): void {
  // A client that is being disconnected is not read any more.
  if (session.closing) return
  try {
    read(deps, session, data)
  } catch {
    unreadable(session)
  }
}

/** No client's frame may end the service for everybody. */
function unreadable(session: Session): void {
  session.close(1011, 'this frame could not be read')
}

function read(deps: ChannelServiceDeps, session: Session, data: string): void {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch (error) {
    return malformed(session, undefined, `The frame is not JSON: ${(error as Error).message}`)
  }
  const wait = deps.byteLimits.take(session, Buffer.byteLength(data))
  if (wait > 0) return session.send(tooManyBytes(numberOf(value), wait))
  const parsed = ClientMessage.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    const re = numberOf(value)
    if (issue.code === 'invalid_union') return unknownMessage(session, re, value)
    return malformed(session, re, `${issue.path.join('.') || 'frame'}: ${issue.message}`)
  }
  const message = parsed.data
  if (!session.mayRequest(deps.clock.uptime())) {
    return session.refuse(message.id, 'too-fast', 'This session sends more requests than the service takes. Slow down.')
  }
  if (!session.principal && message.t !== 'sign-in' && message.t !== 'ping') {
    return session.refuse(message.id, 'not-signed-in', 'Sign in first.')
  }
  const answer = () => answerOne(deps, session, message)
  if (!deps.requests.take(session, { kind: message.t, characters: data.length, answer })) {
    session.refuse(message.id, 'too-fast', 'Too many requests of this session are waiting. Wait for their answers.')
  }
}

function tooManyBytes(re: number | undefined, retryAfterMs: number): ServerMessageOf<'refused'> {
  const message = `This account sends more bytes than the service takes. Repeat this in ${retryAfterMs} ms.`
  return { t: 'refused', ...(re === undefined ? {} : { re }), code: 'too-fast', message, retryAfterMs }
}

function answerOne(deps: ChannelServiceDeps, session: Session, message: ClientMessage): Promise<void> | void {
  try {
    const handle = HANDLERS[message.t] as Handler<ClientMessage['t']>
    session.asked.set(message.id, whatOf(message))
    const answered = handle(deps, session, message)
    if (!answered) session.asked.delete(message.id)
    return answered?.catch(() => refuseUnreachable(session, message.id)).finally(() => session.asked.delete(message.id))
  } catch {
    unreadable(session)
  }
}

/** What the record of refusals says was asked for. */
function whatOf(message: ClientMessage): string {
  return 'room' in message ? `${message.t} ${message.room}` : message.t
}

function unknownMessage(session: Session, re: number | undefined, value: unknown): void {
  const kind = (value as { t?: unknown } | null)?.t
  session.malformed += 1
  const named = typeof kind === 'string' ? `"${kind.slice(0, 64)}"` : 'This'
  session.refuse(re, 'unknown-message', `${named} is not a message of this protocol.`)
  cutOffBabblers(session)
}

function malformed(session: Session, re: number | undefined, message: string): void {
  session.malformed += 1
  session.refuse(re, 'malformed', message.slice(0, 500))
  cutOffBabblers(session)
}

function cutOffBabblers(session: Session): void {
  if (session.malformed >= MALFORMED_MAX) session.close(1008, 'too many malformed frames')
}

function numberOf(value: unknown): number | undefined {
  const id = (value as { id?: unknown } | null)?.id
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : undefined
}

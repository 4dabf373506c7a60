import type { ProofReply } from '@hansard/admin-contract'
import { treeLeaf } from '@hansard/evidence'
import { EMPTY_TREE, inclusionProof, leafHash, rootOf, type TreeFrontier } from '@hansard/signing'
import {
  type ClosedInterval,
  type FoundEvent,
  findChat,
  findEvents,
  linesOfInterval,
  placesOfEvent,
  sealedPoolManifest,
} from '@hansard/staging'
import type { Call, Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { getRoomAccess } from './managed-rooms.ts'
import { AdminProblem } from './problems.ts'

type Deps = Pick<AdminApiDeps, 'poolDb' | 'complianceDb'>

/**
 * Everything that a person needs to check, without Hansard, that an event is on record. The path leads to the
 * checkpoint of the event's own interval, so it costs what one interval costs.
 */
export const proveEvent: Handle<'proveEvent'> = async (deps, call): Promise<ProofReply> => {
  const { complianceDb } = deps
  const found = await eventsMeant(deps, call)
  const [event, other] = found
  if (!event) throw notOnRecord(call)
  if (other)
    throw new AdminProblem(
      'ambiguous-name',
      `Several starts of ${event.source}/${event.epoch} gave out the number ${event.seq}.`,
      `Name one of: ${found.map(nameOf).join(', ')}.`,
    )
  const { interval } = event
  const manifests = interval && (await sealedPoolManifest(complianceDb, interval.number))
  if (!interval || !manifests)
    throw new AdminProblem(
      'conflict',
      `${nameOf(event)} is on record and staged; its interval is not sealed yet.`,
      'Wait for its end, or `hansard seal`.',
    )
  const { sealed, previous } = manifests
  const before: TreeFrontier = previous
    ? { size: previous.treeSize, roots: previous.treeRoots.map((root) => Buffer.from(root, 'hex')) }
    : EMPTY_TREE
  const { line, index, leaves } = await leavesOf(deps, interval, event, before.size)
  const manifest = JSON.parse(sealed.files.at(-1)!.content)
  const { text, leaf, head, stagedAt, source, epoch, incarnation, seq, kind, at, room, late } = event
  return {
    event: { source, epoch, incarnation, seq, kind, at, room, text, leaf, head, stagedAt },
    interval: { number: interval.number, start: interval.startsAt, end: interval.endsAt, late },
    tree: {
      line,
      index,
      size: sealed.treeSize,
      root: base64(rootOf({ size: sealed.treeSize, roots: sealed.treeRoots.map((each) => Buffer.from(each, 'hex')) })),
      path: inclusionProof(before, leaves, index).map(({ side, hash }) => ({ side, hash: base64(hash) })),
    },
    poolManifest: {
      stem: sealed.files.at(-1)!.name.replace(/\.json$/, ''),
      key: manifest.key,
      files: sealed.files.filter(({ name }) => !name.startsWith('keys/')),
    },
    exports: await placesOfEvent(complianceDb, event),
  }
}

/** The leaves that an interval adds to the tree, and which of them is the event's. */
async function leavesOf(
  { complianceDb }: Deps,
  interval: ClosedInterval,
  event: FoundEvent,
  from: number,
): Promise<{ line: string; index: number; leaves: Uint8Array[] }> {
  const leaves: Uint8Array[] = []
  let found: { line: string; index: number } | undefined
  for await (const { source, epoch, incarnation, seq, leaf, head, kind } of linesOfInterval(complianceDb, interval)) {
    const quarantinedHead = kind === null ? head : undefined
    const line = treeLeaf({ escapedSource: encodeURIComponent(source), epoch, incarnation, seq, leaf, quarantinedHead })
    const isIt =
      source === event.source && epoch === event.epoch && incarnation === event.incarnation && seq === event.seq
    if (isIt) found = { line, index: from + leaves.length }
    leaves.push(leafHash(line))
  }
  if (!found) throw new Error(`Interval ${interval.number} does not have the line of its event ${nameOf(event)}.`)
  return { ...found, leaves }
}

async function eventsMeant(deps: AdminApiDeps, call: Call<'proveEvent'>): Promise<FoundEvent[]> {
  const { event, room, chat } = call.query
  if (event !== undefined) {
    const parts = /^(.+)\/([1-9][0-9]{0,8})(?:\/([0-9a-f]{32}))?\/([1-9][0-9]{0,14})$/.exec(event)
    if (!parts) throw new AdminProblem('malformed', `"${event}" is no event; events are named like channel-1/7/42.`)
    const [, source = '', epoch, incarnation, seq] = parts
    return findEvents(deps.complianceDb, { source, epoch: Number(epoch), incarnation, seq: Number(seq) })
  }
  if (room === undefined || chat === undefined)
    throw new AdminProblem('malformed', 'What is to be proved is not named.', 'Name a room and a chat, or an event.')
  const { room: named } = await getRoomAccess(deps, call, room)
  const posted: { at: number } | undefined = await deps.poolDb
    .knex('chat')
    .join('room', 'room.id', 'chat.room_id')
    .where({ 'room.uri': named.uri, 'chat.chat_id': chat })
    .first('chat.posted_at as at')
  return posted ? findChat(deps.complianceDb, { room: named.uri, chatId: chat, at: posted.at }) : []
}

function notOnRecord({ query: { event, room, chat } }: Call<'proveEvent'>): AdminProblem {
  return event === undefined
    ? new AdminProblem(
        'not-found',
        `The room ${JSON.stringify(room)} has no chat ${chat} that is staged.`,
        'A chat that was removed from its room is still on record: name its event, as the extended document shows it.',
      )
    : new AdminProblem(
        'not-found',
        `No event ${event} is staged.`,
        'It may still be in the outbox or in quarantine: see `hansard status`.',
      )
}

function nameOf({ source, epoch, incarnation, seq }: FoundEvent): string {
  return [source, epoch, ...(incarnation === '' ? [] : [incarnation]), seq].join('/')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

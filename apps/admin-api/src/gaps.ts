import type { AcceptGapRequest, OpenGap } from '@hansard/admin-contract'
import { findPrincipal, readOutbox } from '@hansard/pool-store'
import { databaseNow } from '@hansard/sql'
import { acceptGap, type GapOnRecord, keyOfSource, lackingNumbers, listGaps, stampsAround } from '@hansard/staging'
import type { Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { missingNumbers } from './missing-numbers.ts'
import { AdminProblem } from './problems.ts'

const GAPS_SHOWN = 200

type Databases = Pick<AdminApiDeps, 'poolDb' | 'complianceDb' | 'clock'>
type Gap = Pick<OpenGap, 'source' | 'epoch' | 'incarnation' | 'from' | 'to' | 'what'>

/** Of each source, the first numbers that no database has, and what was accepted before. */
export const gaps: Handle<'gaps'> = async (deps) => {
  const onRecord = await listGaps(deps.complianceDb, { limit: GAPS_SHOWN })
  const open = await openGaps(deps)
  return {
    open: await Promise.all(open.map((gap) => described(deps, gap, onRecord))),
    accepted: onRecord.flatMap((gap) => {
      const { source, epoch, incarnation, from, to, reason, proposedBy, acceptedBy, acceptedAt } = gap
      if (acceptedBy === null || acceptedAt === null) return []
      return [{ source, epoch, incarnation, from, to, reason, acceptedBy: [proposedBy, acceptedBy], acceptedAt }]
    }),
  }
}

async function openGaps({ poolDb, complianceDb, clock }: Databases): Promise<Gap[]> {
  const now = await databaseNow(poolDb, clock)
  const missing = await missingNumbers({ poolDb, complianceDb }, now)
  const removed: Gap[] = []
  for (const { source, epoch, incarnation, from, to } of await lackingNumbers(complianceDb)) {
    // What the outbox still has, the relay fills again.
    const [first] = await readOutbox(poolDb, { source, epoch, afterSeq: from - 1, limit: 1 })
    const end = Math.min(to, (first?.seq ?? to + 1) - 1)
    if (end >= from) removed.push({ source, epoch, incarnation, from, to: end, what: 'removed' })
  }
  const never = missing.map(({ source, epoch, incarnation = '', from, to }): Gap => {
    return { source, epoch, incarnation, from, to, what: 'never-staged' }
  })
  return [...never, ...removed]
}

async function described(deps: Databases, gap: Gap, onRecord: readonly GapOnRecord[]): Promise<OpenGap> {
  const { poolDb, complianceDb } = deps
  const { after, before } = await stampsAround(complianceDb, gap)
  const [next] = before === null ? await readOutbox(poolDb, { ...gap, afterSeq: gap.to, limit: 1 }) : []
  const same = (one: GapOnRecord) => keyOfSource(one) === keyOfSource(gap) && one.from === gap.from && one.to === gap.to
  const proposal = onRecord.find((one) => one.state === 'proposed' && same(one))
  return {
    ...gap,
    after,
    before: before ?? next?.at ?? null,
    proposal: proposal ? { by: proposal.proposedBy, at: proposal.proposedAt, reason: proposal.reason } : null,
  }
}

/** Proposes a gap, or accepts one that somebody else has proposed. */
export const acceptGapOf: Handle<'acceptGap'> = async (deps, { actor, body }) => {
  const gap = await gapMeant(deps, body)
  const { source, epoch, incarnation, from, to } = gap
  const answer = await acceptGap(deps.complianceDb, {
    source: { source, epoch, incarnation },
    from,
    to,
    by: { account: actor.account, officer: actor.roles.includes('officer') },
    proposer: await proposerOf(deps, gap),
    reason: body.reason,
    now: deps.clock.now(),
  })
  if (answer.outcome === 'refused') throw new AdminProblem('conflict', answer.why, answer.hint)
  const proposed = { proposedBy: actor.account, reason: body.reason ?? '' }
  const { outcome, proposedBy, reason } = answer.outcome === 'accepted' ? answer : { ...answer, ...proposed }
  return { source, epoch, incarnation, from, to, outcome, proposedBy, reason }
}

/** Who has proposed this gap, with the rights of today: a person may have left since. */
async function proposerOf({ poolDb, complianceDb }: Databases, gap: Gap) {
  const proposal = (await listGaps(complianceDb, { limit: GAPS_SHOWN })).find(
    (one) => one.state === 'proposed' && one.from === gap.from && keyOfSource(one) === keyOfSource(gap),
  )
  if (!proposal) return undefined
  const account = proposal.proposedBy
  const found = await findPrincipal(poolDb, { account })
  const roles = found && !found.disabled ? found.roles : []
  const officer = roles.includes('officer')
  return { account, officer, may: officer || roles.includes('operator') }
}

/** Only what is listed may be accepted: the numbers are in neither database, and the outbox cannot bring them. */
async function gapMeant(deps: Databases, asked: AcceptGapRequest): Promise<Gap> {
  const { source, epoch, incarnation, from, to } = asked
  const open = (await openGaps(deps)).filter(
    (gap) =>
      gap.source === source && gap.epoch === epoch && (incarnation === undefined || gap.incarnation === incarnation),
  )
  const found = open.filter((gap) => gap.from === from && gap.to === to)
  const name = keyOfSource({ source, epoch, incarnation })
  if (found.length > 1)
    throw new AdminProblem('ambiguous-name', `There are ${found.length} sources ${name}.`, 'Add the incarnation.')
  if (found[0]) return found[0]
  const hint =
    open.length === 0
      ? 'No number of it is missing. See `hansard gaps list`.'
      : `Missing are ${open.map((gap) => `${gap.from} to ${gap.to}`).join(', ')}.`
  throw new AdminProblem('conflict', `The numbers ${from} to ${to} of source ${name} are no gap.`, hint)
}

import { hash } from 'node:crypto'
import type { Database, Knex } from '@hansard/sql'
import { appendAudit } from './audit.ts'
import {
  type Changing,
  ConfigurationRefused,
  type ConfigurationSettings,
  changeWithin,
  readAll,
  told,
  withoutUndefined,
} from './compliance-configurations.ts'

/**
 * Proposed changes to what is exported: one account proposes, another approves.
 *
 * A proposal is one text: the identity, all of its settings as they would be (null: it is removed), and the hash of
 * the settings it was made against. That text is hashed, shown by its hash, approved by its hash and applied. When
 * the settings it was made against have changed, it is stale and nobody can approve it.
 */
export type ProposedChange = {
  readonly id: number
  readonly identity: string
  /** null: the configuration is removed */
  readonly settings: ConfigurationSettings | null
  readonly sha256: string
  readonly state: 'open' | 'stale' | 'approved' | 'refused' | 'withdrawn'
  /** why it was proposed; of a refused one, why it was refused */
  readonly reason: string | null
  readonly proposedById: number
  readonly proposedBy: string
  readonly proposedAt: number
  readonly decidedBy: string | null
  readonly decidedAt: number | null
}

type ChangeRefusal = {
  readonly outcome: 'refused'
  readonly why: 'not-found' | 'conflict' | 'invalid'
  readonly problem: string
}
type Decision = { readonly outcome: 'done'; readonly change: ProposedChange } | ChangeRefusal
type Proposer = { readonly id: number; readonly account: string }

/** Open proposals at once: each may hold a stylesheet of a megabyte. */
const OPEN_MAX = 50

export async function proposeComplianceChange(
  db: Database,
  given: Pick<Changing, 'identity' | 'now' | 'check'> & {
    readonly by: Proposer
    /** null: removes the configuration */
    readonly settings: ConfigurationSettings | null
    readonly reason: string | null
  },
): Promise<Decision> {
  const { identity, by, now, check, reason } = given
  return inTransaction(db, async (tx) => {
    await lockState(tx)
    const counted = await tx('compliance_change').where({ state: 'open' }).count('* as open').first()
    if (Number(counted?.['open']) >= OPEN_MAX)
      throw new Refusal('conflict', `${OPEN_MAX} changes are open. Approve, refuse or withdraw some first.`)
    const all = (await readAll(tx)).map(({ identity, settings }) => ({ identity, settings }))
    const others = all.filter((known) => known.identity !== identity)
    if (given.settings === null && others.length === all.length)
      throw new Refusal('not-found', `There is no compliance configuration ${JSON.stringify(identity)}.`)
    const settings = given.settings && ordered(withoutUndefined(given.settings))
    const problem = check(settings === null ? others : [...others, { identity, settings }])
    if (problem !== undefined) throw new Refusal('invalid', problem)
    const content = JSON.stringify({ identity, settings, against: await settingsHash(tx, identity) })
    const [row]: { id: number }[] = await tx('compliance_change')
      .insert({
        ...{ identity, content, sha256: hash('sha256', content, 'hex'), state: 'open', reason },
        ...{ proposed_by_id: by.id, proposed_by: by.account, proposed_at: now },
      })
      .returning('id')
    const change = (await find(tx, row!.id))!
    await audit(tx, change, { action: 'compliance-change-proposed', actor: by.account, now })
    return { outcome: 'done', change }
  })
}

/**
 * Applies a proposal as it was hashed. `sha256`: of the text that the caller has seen. `mayApprove` is asked with the
 * proposal locked, and returns the reason for a refusal.
 */
export async function approveComplianceChange(
  db: Database,
  given: Pick<Changing, 'now' | 'check' | 'approval'> & {
    readonly id: number
    readonly sha256: string
    readonly account: string
    readonly mayApprove: (change: ProposedChange) => string | undefined
  },
): Promise<
  | {
      readonly outcome: 'done'
      readonly change: ProposedChange
      readonly before: ConfigurationSettings | undefined
      readonly after: ConfigurationSettings | undefined
    }
  | ChangeRefusal
> {
  const { id, sha256, account, now } = given
  return inTransaction(db, async (tx) => {
    await lockState(tx)
    const change = await openOne(tx, id)
    if (change.sha256 !== sha256)
      throw new Refusal('conflict', `Change ${id} has the SHA-256 ${change.sha256}, not the one to be approved.`)
    const problem = given.mayApprove(change)
    if (problem !== undefined) throw new Refusal('conflict', problem)
    const { content } = await tx('compliance_change').where({ id }).first('content')
    if (hash('sha256', content, 'hex') !== sha256)
      throw new Refusal('conflict', `The text of change ${id} is not the one that was proposed. Propose it again.`)
    if (change.state === 'stale')
      throw new Refusal(
        'conflict',
        `Change ${id} is stale: what it was made against has changed meanwhile. Propose it again.`,
      )
    const { identity, settings, proposedBy } = change
    const { before, after } = await changeWithin(
      tx,
      { ...given, identity, actor: account, detail: { change: id, sha256, proposedBy, approvedBy: account } },
      () => settings ?? undefined,
    )
    await decide(tx, { id, state: 'approved', account, now })
    return { outcome: 'done', change: (await find(tx, id))!, before, after }
  })
}

/** Refuses or withdraws an open proposal, stale or not. */
export async function closeComplianceChange(
  db: Database,
  given: {
    readonly id: number
    readonly to: 'refused' | 'withdrawn'
    readonly account: string
    readonly reason: string | null
    readonly now: number
    readonly mayClose: (change: ProposedChange) => string | undefined
  },
): Promise<Decision> {
  const { id, to, account, reason, now } = given
  return inTransaction(db, async (tx) => {
    await lockState(tx)
    const open = await openOne(tx, id)
    const problem = given.mayClose(open)
    if (problem !== undefined) throw new Refusal('conflict', problem)
    await decide(tx, { id, state: to, account, now, ...(reason === null ? {} : { reason }) })
    const change = (await find(tx, id))!
    await audit(tx, change, { action: `compliance-change-${to}`, actor: account, now })
    return { outcome: 'done', change }
  })
}

export async function findComplianceChange(db: Database, id: number): Promise<ProposedChange | undefined> {
  return find(db.knex, id)
}

/** Newest first. `before` is the number to continue from. */
export async function listComplianceChanges(
  db: Database,
  { open, before, limit }: { open?: boolean | undefined; before?: number | undefined; limit: number },
): Promise<ProposedChange[]> {
  const query = db.knex('compliance_change').orderBy('id', 'desc').limit(limit)
  if (open === true) query.where({ state: 'open' })
  if (open === false) query.whereNot({ state: 'open' })
  if (before !== undefined) query.where('id', '<', before)
  const changes: ProposedChange[] = []
  for (const row of (await query) as Row[]) changes.push(await changeOf(db.knex, row))
  return changes
}

class Refusal extends Error {
  readonly why: ChangeRefusal['why']
  constructor(why: ChangeRefusal['why'], problem: string) {
    super(problem)
    this.why = why
  }
}

async function inTransaction<T>(db: Database, work: (tx: Knex.Transaction) => Promise<T>): Promise<T | ChangeRefusal> {
  try {
    return await db.knex.transaction(work)
  } catch (error) {
    if (error instanceof Refusal) return { outcome: 'refused', why: error.why, problem: error.message }
    if (error instanceof ConfigurationRefused) return { outcome: 'refused', why: 'invalid', problem: error.message }
    throw error
  }
}

/** Changes and decisions run one after another. */
async function lockState(tx: Knex.Transaction): Promise<void> {
  await tx('compliance_configuration_state').where({ id: 1 }).forUpdate().first('version')
}

async function openOne(tx: Knex.Transaction, id: number): Promise<ProposedChange> {
  const change = await find(tx, id)
  if (!change) throw new Refusal('not-found', `There is no change ${id}.`)
  if (change.state === 'open' || change.state === 'stale') return change
  throw new Refusal('conflict', `Change ${id} is ${change.state} already, by ${change.decidedBy}.`)
}

async function decide(
  tx: Knex.Transaction,
  { id, state, account, now, ...reason }: { id: number; state: string; account: string; now: number; reason?: string },
): Promise<void> {
  await tx('compliance_change')
    .where({ id })
    .update({ state, decided_by: account, decided_at: now, ...reason })
}

type Row = {
  id: number
  content: string
  sha256: string
  state: ProposedChange['state']
  reason: string | null
  proposed_by_id: number
  proposed_by: string
  proposed_at: number
  decided_by: string | null
  decided_at: number | null
}

async function find(knex: Knex, id: number): Promise<ProposedChange | undefined> {
  const row: Row | undefined = await knex('compliance_change').where({ id }).first()
  return row && changeOf(knex, row)
}

async function changeOf(knex: Knex, row: Row): Promise<ProposedChange> {
  const { identity, settings, against } = JSON.parse(row.content) as {
    identity: string
    settings: ConfigurationSettings | null
    against: string
  }
  const stale = row.state === 'open' && (await settingsHash(knex, identity)) !== against
  return {
    ...{ id: row.id, identity, settings, sha256: row.sha256, state: stale ? 'stale' : row.state, reason: row.reason },
    ...{ proposedById: Number(row.proposed_by_id), proposedBy: row.proposed_by, proposedAt: Number(row.proposed_at) },
    ...{ decidedBy: row.decided_by, decidedAt: row.decided_at === null ? null : Number(row.decided_at) },
  }
}

/** Of what a change of this identity is made against: its own settings, and the global ones it falls back to. */
async function settingsHash(knex: Knex, identity: string): Promise<string> {
  const all = await readAll(knex)
  const of = (name: string) => {
    const found = all.find((known) => known.identity === name)
    return found ? ordered(found.settings) : null
  }
  return hash('sha256', JSON.stringify([of(identity), of('global')]), 'hex')
}

function ordered(settings: ConfigurationSettings): ConfigurationSettings {
  return Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function audit(
  tx: Knex.Transaction,
  { id, identity, settings, sha256, reason, proposedBy }: ProposedChange,
  { action, actor, now }: { action: string; actor: string; now: number },
): Promise<void> {
  const detail = { change: id, sha256, proposedBy, settings: settings && told(settings), reason }
  await appendAudit(tx, { at: now, actor, action, object: identity, detail })
}

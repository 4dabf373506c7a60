import { type Database, type Lease, underLease } from '@hansard/sql'
import { oneNumber } from './one-number.ts'

/** `directory` keeps what it is given; `time-stamps` says when it was there, and keeps nothing. */
type AnchorKind = 'directory' | 'time-stamps'

export type AnchorState = {
  /** for people; it holds no password */
  readonly name: string
  readonly kind: AnchorKind
  readonly problem: string | null
  readonly problemSince: number | null
  readonly lastDelivered: AnchorDelivery | null
}

type AnchorDelivery = {
  /** of the interval */
  readonly number: number
  /** the name of the pool manifest, without its ending */
  readonly stem: string
  readonly deliveredAt: number
}

/** What an anchor is to have: the newest sealed pool manifest, its note and its checkpoint, by name. */
export type AnchorCargo = {
  readonly number: number
  readonly stem: string
  readonly files: readonly { readonly name: string; readonly content: string }[]
}

export async function newestSealedPoolManifest(db: Database): Promise<AnchorCargo | undefined> {
  const row: { number: number; files: string } | undefined = await db
    .knex('pool_manifest')
    .where({ state: 'sealed' })
    .orderBy('number', 'desc')
    .first('number', 'files')
  if (!row) return undefined
  const files: AnchorCargo['files'] = JSON.parse(row.files)
  return { number: row.number, stem: files.at(-1)!.name.replace(/\.json$/, ''), files }
}

/** The number of the newest sealed pool manifest, or 0. */
export async function newestSealedNumber(db: Database): Promise<number> {
  return (await oneNumber(db.knex('pool_manifest').where({ state: 'sealed' }).max('number'))) ?? 0
}

/** Makes these the pool's anchors. What is known of others is kept, and shown no longer. */
export async function nameAnchors(
  db: Database,
  lease: Lease,
  anchors: readonly { readonly name: string; readonly kind: AnchorKind }[],
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('anchor')
      .whereNotIn(
        'name',
        anchors.map(({ name }) => name),
      )
      .update({ active: 0, problem: null, problem_since: null })
    for (const { name, kind } of anchors)
      await tx('anchor').insert({ name, kind, active: 1 }).onConflict('name').merge({ kind, active: 1 })
  })
}

export async function readAnchors(db: Database): Promise<AnchorState[]> {
  const rows: { name: string; kind: AnchorKind; problem: string | null; problem_since: number | null }[] = await db
    .knex('anchor')
    .where({ active: 1 })
    .orderBy('name')
    .select('name', 'kind', 'problem', 'problem_since')
  return Promise.all(
    rows.map(async ({ name, kind, problem, problem_since: problemSince }) => {
      const lastDelivered: AnchorDelivery | undefined = await db
        .knex('anchor_delivery')
        .where({ anchor: name })
        .orderBy('number', 'desc')
        .first('number', 'stem', 'delivered_at as deliveredAt')
      return { name, kind, problem, problemSince, lastDelivered: lastDelivered ?? null }
    }),
  )
}

export async function recordDelivery(
  db: Database,
  lease: Lease,
  { anchor, number, stem, deliveredAt }: AnchorDelivery & { anchor: string },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    const row = { anchor, number, stem, delivered_at: deliveredAt }
    await tx('anchor_delivery').insert(row).onConflict(['anchor', 'number']).merge(row)
    await tx('anchor').where({ name: anchor }).update({ problem: null, problem_since: null })
  })
}

/** Why the anchor cannot be delivered. Since when stays as it was first noted. */
export async function noteAnchorProblem(
  db: Database,
  lease: Lease,
  { anchor, problem, now }: { anchor: string; problem: string; now: number },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('anchor').where({ name: anchor }).update({ problem })
    await tx('anchor').where({ name: anchor }).whereNull('problem_since').update({ problem_since: now })
  })
}

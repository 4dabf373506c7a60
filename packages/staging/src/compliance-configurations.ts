import { hash } from 'node:crypto'
import type { Database, Knex } from '@hansard/sql'
import { appendAudit } from './audit.ts'

/**
 * The pool's compliance configurations, by identity. This module does not interpret their settings: the caller
 * validates them, in `check`, inside the transaction of the change.
 */
type StoredConfiguration = { readonly identity: string; readonly settings: ConfigurationSettings }
export type ConfigurationSettings = Readonly<Record<string, string | number | boolean | undefined>>

type StoredConfigurations = {
  /** incremented by every change */
  readonly version: number
  /** `one-person`: one person may change what is exported, or has set something that applies now */
  readonly approval: ApprovalMode
  /** sorted by identity */
  readonly configurations: readonly StoredConfiguration[]
}

/** How many people it takes to change what is exported. */
export type ApprovalMode = 'two-people' | 'one-person'

export async function listComplianceConfigurations(db: Database): Promise<StoredConfigurations> {
  // The version first: after a concurrent change the caller reads again and misses nothing.
  const state = await db.knex('compliance_configuration_state').where({ id: 1 }).first('version', 'approval_mode')
  const all = await readAll(db.knex)
  const one = state.approval_mode === 'one-person' || all.some(({ approval }) => approval === 'one-person')
  const configurations = all.map(({ identity, settings }) => ({ identity, settings }))
  return { version: state.version, approval: one ? 'one-person' : 'two-people', configurations }
}

/** The length of an interval in milliseconds, if configured: the one setting that concerns the whole pool. */
export async function configuredRunInterval(db: Database): Promise<number | undefined> {
  const row = await db.knex('compliance_configuration').where({ identity: 'global' }).first('settings')
  const { runIntervalMs } = row ? (JSON.parse(row.settings) as ConfigurationSettings) : {}
  return typeof runIntervalMs === 'number' ? runIntervalMs : undefined
}

export type ConfigurationChange =
  | {
      readonly outcome: 'done'
      readonly before: ConfigurationSettings | undefined
      readonly after: ConfigurationSettings | undefined
    }
  /** An expected refusal, with the reason. Nothing was changed. */
  | { readonly outcome: 'refused'; readonly problem: string }

export type Changing = {
  readonly identity: string
  /** an account */
  readonly actor: string
  readonly now: number
  /** `two-people`: with the approval of another account; absent: by one */
  readonly approval?: ApprovalMode | undefined
  /** Gets all configurations as they would be; returns the reason for a refusal, if any. */
  readonly check: (configurations: readonly StoredConfiguration[]) => string | undefined
}

/** Puts a configuration, with its audit record. `settings` computes the new settings from the existing ones, if any. */
export function putComplianceConfiguration(
  db: Database,
  given: Changing & {
    readonly settings: (before: ConfigurationSettings | undefined) => ConfigurationSettings
  },
): Promise<ConfigurationChange> {
  return change(db, given, (before) => withoutUndefined(given.settings(before)))
}

/** Removes a configuration, with its audit record. The adapter's exports stay unchanged. */
export function removeComplianceConfiguration(db: Database, given: Changing): Promise<ConfigurationChange> {
  return change(db, given, (before) => {
    if (before === undefined) throw new ConfigurationRefused(`There is no compliance configuration ${given.identity}.`)
    return undefined
  })
}

/**
 * Seeds the configurations from a settings file, once in the life of the compliance database; afterwards the database
 * is authoritative. Configurations put before that are kept.
 */
export async function seedComplianceConfigurations(
  db: Database,
  { configurations, actor, now }: { configurations: readonly StoredConfiguration[]; actor: string; now: number },
): Promise<void> {
  const { seeded_at } = await db.knex('compliance_configuration_state').where({ id: 1 }).first('seeded_at')
  if (seeded_at !== null) return
  await db.knex.transaction(async (tx) => {
    const seeding = await tx('compliance_configuration_state')
      .where({ id: 1 })
      .whereNull('seeded_at')
      .update({ seeded_at: now, version: tx.raw('version + 1') })
    if (seeding !== 1) return
    const known = await readAll(tx)
    // The pool is already configured: seeding would add configurations that nobody asked for.
    if (known.length > 0) return
    for (const { identity, settings } of configurations) {
      await write(tx, { identity, settings: withoutUndefined(settings), actor, now, approval: 'seeded' })
      await audit(tx, { identity, actor, now, action: 'compliance-configuration-seeded' }, undefined, settings)
    }
  })
}

async function change(
  db: Database,
  changing: Changing,
  to: (before: ConfigurationSettings | undefined) => ConfigurationSettings | undefined,
): Promise<ConfigurationChange> {
  try {
    return await db.knex.transaction((tx) => changeWithin(tx, changing, to))
  } catch (error) {
    if (error instanceof ConfigurationRefused) return { outcome: 'refused', problem: error.message }
    throw error
  }
}

/** @internal Within the caller's transaction, which locks the state from here on. A refusal is thrown. */
export async function changeWithin(
  tx: Knex,
  { identity, actor, now, check, approval = 'one-person', detail }: Changing & { detail?: object },
  to: (before: ConfigurationSettings | undefined) => ConfigurationSettings | undefined,
): Promise<Extract<ConfigurationChange, { outcome: 'done' }>> {
  await tx('compliance_configuration_state').where({ id: 1 }).increment('version', 1)
  const all = (await readAll(tx)).map(({ identity, settings }) => ({ identity, settings }))
  const before = all.find((known) => known.identity === identity)?.settings
  const after = to(before)
  const others = all.filter((known) => known.identity !== identity)
  const problem = check(after === undefined ? others : [...others, { identity, settings: after }].sort(byIdentity))
  if (problem !== undefined) throw new ConfigurationRefused(problem)
  if (after === undefined) await tx('compliance_configuration').where({ identity }).delete()
  else await write(tx, { identity, settings: after, actor, now, approval })
  const action = after === undefined ? 'compliance-configuration-removed' : 'compliance-configuration-put'
  await audit(tx, { identity, actor, now, action, ...(detail ? { more: detail } : {}) }, before, after)
  return { outcome: 'done', before, after }
}

/** @internal Thrown to roll the transaction back. */
export class ConfigurationRefused extends Error {}

type Approval = ApprovalMode | 'seeded'

/** @internal */
export async function readAll(knex: Knex): Promise<(StoredConfiguration & { approval: Approval })[]> {
  const columns = ['identity', 'settings', 'approval'] as const
  const rows: { identity: string; settings: string; approval: Approval }[] = await knex(
    'compliance_configuration',
  ).select(...columns)
  return rows
    .map(({ settings, ...row }) => ({ ...row, settings: JSON.parse(settings) as ConfigurationSettings }))
    .sort(byIdentity)
}

type Row = { readonly actor: string; readonly now: number; readonly approval: Approval }

async function write(
  tx: Knex,
  { identity, settings, actor, now, approval }: StoredConfiguration & Pick<Row, 'actor' | 'now' | 'approval'>,
): Promise<void> {
  const row = { settings: JSON.stringify(settings), changed_at: now, changed_by: actor, approval }
  await tx('compliance_configuration')
    .insert({ identity, ...row })
    .onConflict('identity')
    .merge(row)
}

async function audit(
  tx: Knex,
  {
    identity,
    actor,
    now,
    action,
    more,
  }: Pick<Row, 'actor' | 'now'> & { identity: string; action: string; more?: object },
  before: ConfigurationSettings | undefined,
  after: ConfigurationSettings | undefined,
): Promise<void> {
  const detail = { ...more, before: before ? told(before) : null, after: after ? told(after) : null }
  await appendAudit(tx, { at: now, actor, action, object: identity, detail })
}

/** @internal A stylesheet may be a megabyte; its hash identifies it, and every one that was used is on record. */
export function told({ customConfiguration, ...settings }: ConfigurationSettings): ConfigurationSettings {
  if (typeof customConfiguration !== 'string') return settings
  return { ...settings, customConfigurationSha256: hash('sha256', customConfiguration, 'hex') }
}

/** @internal */
export function withoutUndefined(settings: ConfigurationSettings): ConfigurationSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

function byIdentity(a: StoredConfiguration, b: StoredConfiguration): number {
  return a.identity < b.identity ? -1 : 1
}

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
  /** sorted by identity */
  readonly configurations: readonly StoredConfiguration[]
}

export async function listComplianceConfigurations(db: Database): Promise<StoredConfigurations> {
  // The version first: after a concurrent change the caller reads again and misses nothing.
  const { version } = await db.knex('compliance_configuration_state').where({ id: 1 }).first('version')
  return { version, configurations: await readAll(db.knex) }
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

type Changing = {
  readonly identity: string
  /** an account */
  readonly actor: string
  readonly now: number
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
    if (before === undefined) throw new Refused(`There is no compliance configuration ${given.identity}.`)
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
      await write(tx, { identity, settings: withoutUndefined(settings), actor, now })
      await audit(tx, { identity, actor, now, action: 'compliance-configuration-seeded' }, undefined, settings)
    }
  })
}

async function change(
  db: Database,
  { identity, actor, now, check }: Changing,
  to: (before: ConfigurationSettings | undefined) => ConfigurationSettings | undefined,
): Promise<ConfigurationChange> {
  try {
    return await db.knex.transaction(async (tx) => {
      await tx('compliance_configuration_state').where({ id: 1 }).increment('version', 1)
      const all = await readAll(tx)
      const before = all.find((known) => known.identity === identity)?.settings
      const after = to(before)
      const others = all.filter((known) => known.identity !== identity)
      const problem = check(after === undefined ? others : [...others, { identity, settings: after }].sort(byIdentity))
      if (problem !== undefined) throw new Refused(problem)
      if (after === undefined) await tx('compliance_configuration').where({ identity }).delete()
      else await write(tx, { identity, settings: after, actor, now })
      const action = after === undefined ? 'compliance-configuration-removed' : 'compliance-configuration-put'
      await audit(tx, { identity, actor, now, action }, before, after)
      return { outcome: 'done', before, after }
    })
  } catch (error) {
    if (error instanceof Refused) return { outcome: 'refused', problem: error.message }
    throw error
  }
}

/** Thrown to roll the transaction back. */
class Refused extends Error {}

async function readAll(knex: Knex): Promise<StoredConfiguration[]> {
  const rows: { identity: string; settings: string }[] = await knex('compliance_configuration').select(
    'identity',
    'settings',
  )
  return rows
    .map(({ identity, settings }) => ({ identity, settings: JSON.parse(settings) as ConfigurationSettings }))
    .sort(byIdentity)
}

async function write(
  tx: Knex,
  { identity, settings, actor, now }: StoredConfiguration & { actor: string; now: number },
): Promise<void> {
  const row = { settings: JSON.stringify(settings), changed_at: now, changed_by: actor }
  await tx('compliance_configuration')
    .insert({ identity, ...row })
    .onConflict('identity')
    .merge(row)
}

async function audit(
  tx: Knex,
  { identity, actor, now, action }: { identity: string; actor: string; now: number; action: string },
  before: ConfigurationSettings | undefined,
  after: ConfigurationSettings | undefined,
): Promise<void> {
  const detail = { before: before ? told(before) : null, after: after ? told(after) : null }
  await appendAudit(tx, { at: now, actor, action, object: identity, detail })
}

/** A stylesheet may be a megabyte; its hash identifies it, and every stylesheet that was used is on record. */
function told({ customConfiguration, ...settings }: ConfigurationSettings): ConfigurationSettings {
  if (typeof customConfiguration !== 'string') return settings
  return { ...settings, customConfigurationSha256: hash('sha256', customConfiguration, 'hex') }
}

function withoutUndefined(settings: ConfigurationSettings): ConfigurationSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

function byIdentity(a: StoredConfiguration, b: StoredConfiguration): number {
  return a.identity < b.identity ? -1 : 1
}

import type { ChangeValue } from '@hansard/compliance-event'
import { configurationIdentityProblem, roomsUnderPolicy, settingProblem } from '@hansard/pool-store'
import {
  endpointUriProblem,
  policyNameProblem,
  roomNameProblem,
  TEXT_LIMITS,
  textProblem,
  webAddressProblem,
} from '@hansard/rooms'
import { type DataKind, entryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import {
  differences,
  type ImportedSubject,
  insertRows,
  makeRow,
  roomIds,
  tell,
  unkeepable,
  updateRow,
} from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'

/**
 * Imports policies, add-ins and endpoints: rows with one key. Existing rows are overwritten; what a command would
 * refuse is skipped.
 */
export async function importPolicies(run: ImportRun): Promise<void> {
  await importKeyed(run, 'policies', 'policy', 'identity', {
    columns: ({ identity, description, enabled }) => ({ identity, description, enabled }),
    properties: { description: 'description', enabled: 'enabled' },
    subject: ({ identity }) => ({ type: 'policy', uri: `policy:${identity}`, name: identity }),
    problem: ({ identity, description }) =>
      policyNameProblem(identity) ?? textProblem('A description', description, TEXT_LIMITS.description),
    // The import does not know whom a policy applies to, so every service checks all its sessions again.
    async changed(step, id, { identity }) {
      for (const room of await roomsUnderPolicy(step.knex, { id, identity })) step.rights.add(room)
      step.configuration = true
    },
  })
}

export async function importAddIns(run: ImportRun): Promise<void> {
  await importKeyed(run, 'add-ins', 'add_in', 'name', {
    columns: ({ name, url }) => ({ name, url }),
    properties: { name: 'name', url: 'url' },
    subject: ({ name }) => ({ type: 'add-in', uri: `add-in:${name}`, name }),
    problem: ({ name, url }) => roomNameProblem(name, 'An add-in’s name') ?? webAddressProblem(url),
    async changed(step, id) {
      if (id !== undefined) for (const room of await roomIds(step, { add_in_id: id })) step.rights.add(room)
    },
  })
}

export async function importEndpoints(run: ImportRun): Promise<void> {
  await importKeyed(run, 'endpoints', 'endpoint', 'uri', {
    columns: ({ uri, displayName }) => ({ uri, display_name: displayName }),
    properties: { display_name: 'displayName' },
    subject: ({ uri, displayName }) => ({ type: 'endpoint', uri, name: displayName }),
    problem: ({ uri, displayName }) =>
      endpointUriProblem(uri) ?? textProblem('A display name', displayName, TEXT_LIMITS.displayName),
  })
}

export async function importConfiguration(run: ImportRun): Promise<void> {
  const kind = 'configuration'
  await inBatches(run, entryOf(kind), run.file.lines(kind), LINE_KEYS[kind], compareKeys, async (step, lines) => {
    for (const line of lines) {
      const { identity } = line
      const problem = configurationProblem(line)
      if (problem) {
        step.problem(identity, problem, line)
        step.count(kind, 'left')
        continue
      }
      // Null removes a setting, as everywhere.
      const settings = Object.fromEntries(Object.entries(line.settings).filter(([, value]) => value !== null))
      const text = JSON.stringify(settings)
      const row: { settings: string } | undefined = await step.knex('pool_configuration').where({ identity }).first()
      if (row?.settings === text) {
        step.count(kind, 'same')
        continue
      }
      const old = row ? (JSON.parse(row.settings) as Record<string, unknown>) : {}
      const before: Record<string, ChangeValue> = {}
      const after: Record<string, ChangeValue> = {}
      for (const property of new Set([...Object.keys(old), ...Object.keys(settings)])) {
        const [was, is] = [plainValueOf(old[property]), plainValueOf(settings[property])]
        if (was === is) continue
        if (was !== undefined) before[property] = was
        if (is !== undefined) after[property] = is
      }
      if (row) await updateRow(step, 'pool_configuration', { identity }, { settings: text })
      else await insertRows(step, 'pool_configuration', [{ identity, settings: text }])
      const subject: ImportedSubject = { type: 'pool-configuration', uri: `configuration:${identity}`, name: identity }
      tell(step, row ? 'changed' : 'created', subject, { before, after })
      step.configuration = true
      step.count(kind, row ? 'changed' : 'made')
    }
  })
}

function configurationProblem({ identity, settings }: LineOf<'configuration'>): string | undefined {
  const problems = Object.entries(settings).map(([name, value]) => settingProblem(name, value))
  return configurationIdentityProblem(identity) ?? problems.find((problem) => problem !== undefined)
}

function plainValueOf(value: unknown): Exclude<ChangeValue, string[]> | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value
  return typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value)
}

type Keyed<K extends DataKind> = {
  readonly columns: (line: LineOf<K>) => Record<string, unknown>
  readonly properties: Readonly<Record<string, string>>
  readonly subject: (line: LineOf<K>) => ImportedSubject
  /** why a command would refuse it */
  readonly problem: (line: LineOf<K>) => string | undefined
  /** `id`: of the existing row */
  readonly changed?: (step: Step, id: number | undefined, line: LineOf<K>) => Promise<void>
}

async function importKeyed<K extends 'policies' | 'add-ins' | 'endpoints'>(
  run: ImportRun,
  kind: K,
  table: 'policy' | 'add_in' | 'endpoint',
  column: string,
  { columns, properties, subject, problem, changed }: Keyed<K>,
): Promise<void> {
  const keyOf = LINE_KEYS[kind] as (line: LineOf<K>) => readonly (string | number)[]
  await inBatches(run, entryOf(kind), run.file.lines(kind), keyOf, compareKeys, async (step, lines) => {
    for (const line of lines) {
      const wanted = columns(line)
      const key = String(wanted[column])
      const wrong = problem(line) ?? unkeepable(wanted)
      if (wrong) {
        step.problem(key, wrong, line)
        step.count(kind, 'left')
        continue
      }
      const row: Record<string, unknown> | undefined = await step
        .knex(table)
        .where({ [column]: key })
        .first()
      if (row && run.isReference(kind)) {
        step.count(kind, 'same')
        continue
      }
      const { update, before, after } = differences(row, wanted, properties)
      if (row && Object.keys(update).length === 0) {
        step.count(kind, 'same')
        continue
      }
      await changed?.(step, row?.['id'] as number | undefined, line)
      if (row) await updateRow(step, table, { id: row['id'] }, update)
      else if (table === 'endpoint') await insertRows(step, table, [wanted])
      else await makeRow(step, table, wanted)
      tell(step, row ? 'changed' : 'created', subject(line), { before, after })
      step.count(kind, row ? 'changed' : 'made')
    }
  })
}

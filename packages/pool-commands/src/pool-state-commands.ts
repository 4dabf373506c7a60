import { nameProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type CommandActor, type Context, changeEvents, difference } from './context.ts'
import { ChangeRefused, type Result } from './result.ts'

/** The state of the pool, and its active servers. Operators change them. */
export function poolStateCommands(context: Context) {
  const { bus, poolRoomId } = context
  const announce = () => bus.publish({ t: 'configuration-changed' })

  return {
    async setPoolState(
      by: CommandActor,
      { pool, state }: { pool: string; state: 'normal' | 'failed-over' },
    ): Promise<Result<{ state: 'normal' | 'failed-over' }>> {
      const result = await context.make(by, async (by, tx) => {
        requireOperator(by)
        const before = (await readSetting(tx, 'pool-state')) ?? 'normal'
        await writeSetting(tx, 'pool-state', state)
        const told = difference({ state: before }, { state })
        const subject = { type: 'pool-state' as const, uri: `pool:${pool}`, name: pool }
        const events = told ? changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, ...told }) : []
        return { events, rights: [], result: { state } }
      })
      if (result.ok) announce()
      return result
    },

    /** Sets the channel services that clients are assigned to; none means all. */
    async setActiveServers(
      by: CommandActor,
      { pool, change }: { pool: string; change: (active: readonly string[]) => readonly string[] },
    ): Promise<Result<{ active: readonly string[] }>> {
      const result = await context.make(by, async (by, tx) => {
        requireOperator(by)
        const before = JSON.parse((await readSetting(tx, 'active-servers')) ?? '[]') as string[]
        const active = [...new Set(change(before))].sort()
        if (active.length > 1_000) throw new ChangeRefused('limit-exceeded', 'A pool may have at most 1,000 servers.')
        for (const name of active) {
          const problem = nameProblem('The name of a server', name)
          if (problem) throw new ChangeRefused('invalid', problem)
        }
        await writeSetting(tx, 'active-servers', JSON.stringify(active))
        const removed = before.filter((name) => !active.includes(name))
        const added = active.filter((name) => !before.includes(name))
        const subject = { type: 'pool-state' as const, uri: `pool:${pool}`, name: pool }
        // Without names every server is active: an empty list alone would not show this to a reader.
        const all = difference({ allServersActive: before.length === 0 }, { allServersActive: active.length === 0 })
        const events =
          removed.length + added.length === 0
            ? []
            : changeEvents({
                roomId: poolRoomId,
                by,
                action: 'changed',
                subject,
                before: { ...all?.before, ...(removed.length > 0 ? { activeServers: removed } : {}) },
                after: { ...all?.after, ...(added.length > 0 ? { activeServers: added } : {}) },
              })
        return { events, rights: [], result: { active } }
      })
      if (result.ok) announce()
      return result
    },
  }
}

function requireOperator(by: CommandActor): void {
  if (!by.roles?.includes('operator')) {
    throw new ChangeRefused('not-an-administrator', 'Only operators may do this.')
  }
}

async function readSetting(tx: Knex.Transaction, name: string): Promise<string | undefined> {
  const row: { value: string } | undefined = await tx('pool_setting').where({ name }).forUpdate().first('value')
  return row?.value
}

async function writeSetting(tx: Knex.Transaction, name: string, value: string): Promise<void> {
  await tx('pool_setting').insert({ name, value }).onConflict('name').merge()
}

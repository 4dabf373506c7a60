import { configurationIdentityProblem, type PoolConfiguration, settingProblem } from '@hansard/pool-store'
import { isKeepable, quoted } from '@hansard/rooms'
import {
  type CommandActor,
  type Context,
  changeEvents,
  difference,
  type Properties,
  requireAdministrator,
} from './context.ts'
import { ChangeRefused, type Result } from './result.ts'

/** Settings of the pool, its sites and its services. */
export function configurationCommands(context: Context) {
  const { bus, poolRoomId } = context
  const announce = () => bus.publish({ t: 'configuration-changed' })

  return {
    /** Changes the named settings; null removes one, so that the wider scope's applies. */
    async changeConfiguration(
      by: CommandActor,
      {
        identity,
        settings,
        mustBeNew = false,
      }: {
        identity: string
        settings: { readonly [K in keyof PoolConfiguration]?: PoolConfiguration[K] | null | undefined }
        /** refuse if a configuration of that identity exists */
        mustBeNew?: boolean
      },
    ): Promise<Result<{ identity: string; settings: Partial<PoolConfiguration> }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const problem = configurationIdentityProblem(identity)
        if (problem) throw new ChangeRefused('invalid', problem)
        const row: { settings: string } | undefined = await tx('pool_configuration')
          .where({ identity })
          .forUpdate()
          .first()
        if (row && mustBeNew)
          throw new ChangeRefused('duplicate-name', `A configuration ${quoted(identity)} already exists.`)
        const before = row ? (JSON.parse(row.settings) as Record<string, string | number | boolean>) : {}
        const after = { ...before }
        for (const [name, value] of Object.entries(settings)) {
          if (value === undefined) continue
          const wrong = settingProblem(name, value)
          if (wrong) throw new ChangeRefused('invalid', wrong)
          if (value === null) delete after[name]
          else after[name] = value
        }
        const text = JSON.stringify(after)
        await tx('pool_configuration').insert({ identity, settings: text }).onConflict('identity').merge()
        const told = differenceOfAll(before, after)
        const subject = { type: 'pool-configuration' as const, uri: `configuration:${identity}`, name: identity }
        const action = row ? 'changed' : 'created'
        const change = row ? told : { after }
        const events = told || !row ? changeEvents({ roomId: poolRoomId, by, action, subject, ...change }) : []
        return { events, rights: [], result: { identity, settings: after as Partial<PoolConfiguration> } }
      })
      if (result.ok) announce()
      return result
    },

    async deleteConfiguration(
      by: CommandActor,
      { identity }: { identity: string },
    ): Promise<Result<{ identity: string }>> {
      const result = await context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const row: { settings: string } | undefined = isKeepable(identity)
          ? await tx('pool_configuration').where({ identity }).forUpdate().first()
          : undefined
        // The global configuration always exists: removing it restores the defaults.
        if (!row && identity !== 'global') {
          throw new ChangeRefused('conflict', `There is no configuration ${quoted(identity)}.`)
        }
        await tx('pool_configuration').where({ identity }).delete()
        const before = row ? (JSON.parse(row.settings) as Properties) : {}
        const subject = { type: 'pool-configuration' as const, uri: `configuration:${identity}`, name: identity }
        const events = row ? changeEvents({ roomId: poolRoomId, by, action: 'deleted', subject, before }) : []
        return { events, rights: [], result: { identity } }
      })
      if (result.ok) announce()
      return result
    },
  }
}

function differenceOfAll(before: Properties, after: Properties) {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return difference(before, Object.fromEntries([...names].map((name) => [name, after[name] ?? null])))
}

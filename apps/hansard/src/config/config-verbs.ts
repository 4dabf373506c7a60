import { PoolSettings } from '@hansard/admin-contract'
import type { Command } from 'commander'
import { optionName } from '../cli/option-names.ts'
import { schemaOptions } from '../cli/schema-options.ts'
import { choice, type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'
import type { ConfigOptions } from './config.ts'

export function addConfigVerbs(program: Command, { io, run }: Verbs): void {
  const config = program.command('config').description('limits and settings of the pool, a site or a service')
  poolVerb(config, 'list', 'what has been set').action(
    run(async (options: PoolOptions) => {
      const { listConfig } = await import('./config.ts')
      return listConfig(io, options)
    }),
  )
  poolVerb(config, 'show', 'what holds: of the pool, or of a service at a site')
    .option('--site <name>')
    .option('--service <name>')
    .action(
      run(async (options: PoolOptions & { site?: string; service?: string }) => {
        const { showConfig } = await import('./config.ts')
        return showConfig(io, options)
      }),
    )
  const set = poolVerb(config, 'set', 'change settings; they hold at once').argument(
    '<identity>',
    'global, site:<name> or service:<name>',
  )
  schemaOptions(set, PoolSettings, { texts: { roomManagementUrl: { takes: '<url>' } } })
    .addOption(
      choice('--profile <profile>', 'sizes of chats and stories: the original’s, or the default ones', [
        'original',
        'default',
      ]),
    )
    .action(
      run(async (identity: string, options: ConfigOptions) => {
        const { setConfig } = await import('./config.ts')
        return setConfig(io, identity, options)
      }),
    )
  poolVerb(config, 'unset', 'give settings back to the wider configuration, or to the defaults')
    .argument('<identity>', 'global, site:<name> or service:<name>')
    .argument(
      '<setting...>',
      `as the options of set are called: ${Object.keys(PoolSettings.shape).map(optionName).join(', ')}`,
    )
    .action(
      run(async (identity: string, settings: string[], options: PoolOptions) => {
        const { unsetConfig } = await import('./config.ts')
        return unsetConfig(io, identity, settings, options)
      }),
    )
  poolVerb(config, 'remove', 'remove a configuration; the global one returns to the defaults')
    .argument('<identity>')
    .action(
      run(async (identity: string, options: PoolOptions) => {
        const { removeConfig } = await import('./config.ts')
        return removeConfig(io, identity, options)
      }),
    )
}

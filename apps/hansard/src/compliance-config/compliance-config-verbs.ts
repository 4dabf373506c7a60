import { ComplianceSettings } from '@hansard/admin-contract'
import type { Command } from 'commander'
import { optionName } from '../cli/option-names.ts'
import { schemaOptions } from '../cli/schema-options.ts'
import { type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'
import type { ComplianceConfigOptions, ProposeOptions } from './compliance-config.ts'
import { COMPLIANCE_TEXTS } from './compliance-texts.ts'

const REASON = ['--reason <text>', 'why, for the person who approves it'] as const

export function addComplianceConfigVerbs(program: Command, { io, run }: Verbs): void {
  const config = program.command('compliance-config').description('what the compliance worker makes of what was said')
  poolVerb(config, 'list', 'what is configured').action(
    run(async (options: PoolOptions) => {
      const { listComplianceConfig } = await import('./compliance-config.ts')
      return listComplianceConfig(io, options)
    }),
  )
  const set = poolVerb(config, 'set', 'add or change a configuration; it counts from the next interval').argument(
    '<identity>',
    'global, adapter:<name>, site:<name> or service:<name>: one adapter each',
  )
  schemaOptions(set, ComplianceSettings, { texts: COMPLIANCE_TEXTS })
  set
    .option('--stylesheet <file>', 'an XSLT file for the adapter')
    .option('--no-stylesheet', 'the adapter’s own again')
    .option('--yes', 'do not ask when a series of exports ends by it', false)
    .option(...REASON)
  set.action(
    run(async (identity: string, options: ComplianceConfigOptions) => {
      const { setComplianceConfig } = await import('./compliance-config.ts')
      return setComplianceConfig(io, identity, options)
    }),
  )
  poolVerb(config, 'unset', 'give settings back to the global configuration, or to the defaults')
    .argument('<identity>', 'as list shows it')
    .argument(
      '<setting...>',
      `as the options of set are called: ${Object.keys(ComplianceSettings.shape).map(optionName).join(', ')}`,
    )
    .option('--yes', 'do not ask when a series of exports ends by it', false)
    .option(...REASON)
    .action(
      run(async (identity: string, settings: string[], options: ProposeOptions & { yes: boolean }) => {
        const { unsetComplianceConfig } = await import('./compliance-config.ts')
        return unsetComplianceConfig(io, identity, settings, options)
      }),
    )
  poolVerb(config, 'remove', 'remove an adapter, whose series of exports ends; the global one returns to the defaults')
    .argument('<identity>', 'as list shows it')
    .option('--yes', 'do not ask', false)
    .option(...REASON)
    .action(
      run(async (identity: string, options: ProposeOptions & { yes: boolean }) => {
        const { removeComplianceConfig } = await import('./compliance-config.ts')
        return removeComplianceConfig(io, identity, options)
      }),
    )
  poolVerb(config, 'confirm', 'propose the present settings again, so that two people have approved them')
    .argument('<identity>', 'as list shows it')
    .option(...REASON)
    .action(
      run(async (identity: string, options: ProposeOptions) => {
        const { confirmComplianceConfig } = await import('./compliance-config.ts')
        return confirmComplianceConfig(io, identity, options)
      }),
    )
}

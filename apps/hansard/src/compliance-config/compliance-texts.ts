import type { ComplianceSettings } from '@hansard/admin-contract'
import { parseRunInterval } from '@hansard/conversation'
import { InvalidArgumentError } from 'commander'
import type { Texts } from '../cli/schema-options.ts'
import { moment } from '../cli/verb.ts'

/** What the options of `compliance-config set` say beyond the contract. */
export const COMPLIANCE_TEXTS = {
  adapterName: { takes: '<name>' },
  adapterType: { takes: '<type>' },
  adapterOutputDirectory: { takes: '<dir>' },
  runIntervalMs: { takes: '<time>', help: 'length of an interval: 1m to 30d', parse: runInterval },
  exportFrom: {
    takes: '<time>',
    help: 'gives a new adapter the past: from `beginning`, or from the interval that holds this date or time (UTC)',
    parse: (text: string) => (text === 'beginning' ? 0 : moment(text)),
  },
  // It names a file here, and `--no-stylesheet` gives the adapter its own again.
  customConfiguration: 'left out',
} satisfies Texts<typeof ComplianceSettings>

function runInterval(text: string): number {
  try {
    return parseRunInterval(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

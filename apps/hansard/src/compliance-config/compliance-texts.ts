import type { ComplianceSettings } from '@hansard/admin-contract'
import { parseRunInterval } from '@hansard/conversation'
import { InvalidArgumentError } from 'commander'
import type { Texts } from '../cli/schema-options.ts'

/** What the options of `compliance-config set` say beyond the contract. */
export const COMPLIANCE_TEXTS = {
  adapterName: { takes: '<name>' },
  adapterType: { takes: '<type>' },
  adapterOutputDirectory: { takes: '<dir>' },
  runIntervalMs: { takes: '<time>', help: 'length of an interval: 1m to 30d', parse: runInterval },
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

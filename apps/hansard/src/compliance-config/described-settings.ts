import { hash } from 'node:crypto'
import type { ComplianceSettings } from '@hansard/admin-contract'

/** Each setting as people are shown it: a stylesheet by its length and hash. */
export function describedSettings(settings: ComplianceSettings): Map<string, string> {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined)
  return new Map(
    entries.map(([name, value]) => {
      const text = String(value)
      if (name !== 'customConfiguration') return [name, text]
      return [name, `a stylesheet of ${text.length} characters, SHA-256 ${hash('sha256', text, 'hex')}`]
    }),
  )
}

export function endOf(series: readonly string[]): string {
  return `The series of exports ${series.join(', ')} ends: nothing more is written to it.`
}

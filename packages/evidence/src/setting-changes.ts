import type { Manifest } from './manifest.ts'

/** A difference in how two consecutive exports of a series were made. */
export type SettingChange = {
  /** the first export that was made so */
  readonly export: number
  readonly what: string
  readonly before: string
  readonly after: string
}

/** What made the documents, and how many people it takes to change that. */
export function settingChanges(before: Manifest, after: Manifest): SettingChange[] {
  const [old, now] = [settingsOf(before), settingsOf(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])]
  return names.flatMap((what) => {
    const [was, is] = [old.get(what) ?? 'none', now.get(what) ?? 'none']
    return was === is ? [] : [{ export: after.number, what, before: was, after: is }]
  })
}

function settingsOf({ adapter, options, approval }: Manifest): Map<string, string> {
  const { type, profile, version, engine, stylesheetSha256: stylesheet } = adapter
  const named = Object.entries({ type, profile, version, engine, stylesheet })
  // Their order in the file is fixed, so both verifiers list them alike.
  const chosen = Object.entries(options).map(([name, value]): [string, string] => [name, JSON.stringify(value)])
  return new Map([...named, ...chosen, ['approval', approval ?? 'two-people']])
}

export function describeSettingChange({ export: number, what, before, after }: SettingChange): string {
  return `from export ${number} on, ${what} is ${after}; before, it was ${before}`
}

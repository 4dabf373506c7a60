import { z } from 'zod'
import type { Manifest } from './manifest.ts'
import { sourceName } from './source-members.ts'
import { nameOfSource } from './source-name.ts'

const time = z.iso.datetime({ precision: 3 })

/** A time of the interval in which no source lived, and when each service had given its last sign of life. */
const NotRunning = z.strictObject({
  from: time,
  to: time,
  lastSigns: z.array(z.strictObject({ ...sourceName, at: time })),
})
export type NotRunning = z.infer<typeof NotRunning>

export const NotRunningList = z.array(NotRunning).min(1)

export function orderNotRunning({ from, to, lastSigns }: NotRunning): NotRunning {
  const ordered = lastSigns.map(({ source, epoch, incarnation = '', at }) => ({ source, epoch, incarnation, at }))
  return { from, to, lastSigns: ordered }
}

export function* contradictionsInNotRunning({ kind, interval, notRunning = [] }: Manifest): Generator<string> {
  if (kind === 'addendum' && notRunning.length > 0) yield 'an addendum does not say when nothing was running'
  let before = interval.start
  for (const { from, to, lastSigns } of notRunning) {
    if (from < before || to <= from || to > interval.end)
      yield `it was not running from ${from} to ${to}, out of its order`
    const early = lastSigns.find(({ at }) => at > from)
    if (early) yield `${nameOfSource(early)} gave a sign of life while nothing was running`
    before = to
  }
}

/** Appends the times of a manifest; one that goes on in the next interval is one time. */
export function joinNotRunning(all: NotRunning[], found: readonly NotRunning[]): void {
  for (const each of found) {
    const last = all.at(-1)
    if (last?.to === each.from) all[all.length - 1] = { ...last, to: each.to }
    else all.push(each)
  }
}

/** What a verifier says. docs/verify.py says the same. */
export function describeNotRunning({ from, to, lastSigns }: NotRunning): string {
  const signs = lastSigns.map((sign) => `${nameOfSource(sign)} at ${sign.at}`)
  return `NOT RUNNING from ${from} to ${to}; last signs of life: ${signs.length > 0 ? signs.join(', ') : 'none'}`
}

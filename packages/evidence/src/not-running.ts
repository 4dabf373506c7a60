import { z } from 'zod'
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

import type { Manifest } from './manifest.ts'
import { nameOfSource } from './source-name.ts'

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

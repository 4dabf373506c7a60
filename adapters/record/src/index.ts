import { type ExportFile, RECORD_SERIES, type RecordAdapter } from '@hansard/adapter'
import { openTextFile, type TextFile } from './text-file.ts'

/**
 * The record series: every event's text, byte for byte as it was hashed, one a line, compressed. With it, and with
 * the chain file beside it, every hash of the chain can be computed again from the exports alone.
 */
export const record: RecordAdapter = {
  name: RECORD_SERIES,
  profile: 'record-1',
  version: '1',
  engine: 'fflate/0.8.3',
  defaultStylesheet: '',
  includesKind: () => true,
  open({ eventsPerFileMax }, { stem }) {
    let number = 0
    let open: { readonly file: TextFile; events: number; weight: number } | undefined
    const begin = () => {
      number += 1
      return { file: openTextFile(), events: 0, weight: 0 }
    }
    const finish = ({ file, events }: NonNullable<typeof open>): ExportFile => ({
      name: `${stem}-${String(number).padStart(4, '0')}.jsonl.gz`,
      role: 'document',
      bytes: file.finish(),
      events,
    })
    return {
      add(text) {
        // Two lines that are one text, or one line that is two, would give other hashes than the record has.
        if (/[\n\r]/.test(text)) throw new Error('The text of an event contains a line break: it cannot be a line.')
        const weight = weightOf(text)
        const full = open && open.weight + weight > eventsPerFileMax ? finish(open) : undefined
        if (full) open = undefined
        open ??= begin()
        open.file.add(text)
        open.events += 1
        open.weight += weight
        return full
      },
      finish: () => finish(open ?? begin()),
    }
  },
}

/** One, and one more for every full 1,000 UTF-16 units: a document of long texts must fit into memory too. */
function weightOf(text: string): number {
  return 1 + Math.floor(text.length / 1_000)
}

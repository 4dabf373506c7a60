import { z } from 'zod'
import { count, timestamp } from './paging.ts'

export const ExportFileEntry = z.object({
  name: z.string(),
  role: z.enum(['document', 'attachments', 'chain', 'manifest']),
  size: count,
  sha256: z.string(),
  events: count,
})
export type ExportFileEntry = z.infer<typeof ExportFileEntry>

export const ExportSummary = z.object({
  adapter: z.string(),
  number: count,
  kind: z.enum(['interval', 'addendum']),
  state: z.enum(['planned', 'sealed']),
  start: timestamp,
  end: timestamp,
  sealedAt: timestamp.nullable(),
  /** accepted in the interval and bound to the export */
  events: count,
  /** of these, how many stand in the documents: a format has no place for some kinds. Null until it is sealed */
  written: count.nullable(),
  /** documents, without the chain file and the manifest */
  documents: count,
  /** what it does not show of the events that it counts; null when it shows all of them, or is not sealed */
  incomplete: z.string().nullable(),
})
export type ExportSummary = z.infer<typeof ExportSummary>

export const ListExportsQuery = z.strictObject({
  adapter: z.string().optional(),
  /** `<adapter>/<number>` of the last entry of the previous page */
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})
export type ListExportsQuery = z.output<typeof ListExportsQuery>

/** Newest first. */
export const ListExportsReply = z.object({ exports: z.array(ExportSummary), next: z.string().nullable() })
export type ListExportsReply = z.infer<typeof ListExportsReply>

export const ExportDetail = ExportSummary.extend({
  /** directory of the files, as the worker names it */
  directory: z.string(),
  manifest: z.string().nullable(),
  manifestSha256: z.string().nullable(),
  files: z.array(ExportFileEntry),
})
export type ExportDetail = z.infer<typeof ExportDetail>

/** `xml/12`: an export's name on the command line and in messages. */
export function exportId(adapter: string, number: number): string {
  return `${adapter}/${number}`
}

/** Splits an export's name into adapter and number; undefined when the text is not one. */
export function parseExportId(text: string): { adapter: string; number: number } | undefined {
  const match = /^([^/\s]+)\/([1-9][0-9]{0,8})$/.exec(text)
  return match ? { adapter: match[1]!, number: Number(match[2]) } : undefined
}

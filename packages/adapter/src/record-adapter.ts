import type { EventKind } from '@hansard/compliance-event'
import type { AdapterOptions, ExportContext, ExportFile } from './adapter.ts'

/**
 * The adapter of the record series. It is given the texts of the events as they were hashed, in the order of the chain
 * file, and no conversations. Like every adapter it is pure: the same texts give the same bytes on any machine.
 *
 * It answers one document at a time, as soon as it is complete, so that no more than one is in memory.
 */
export type RecordAdapter = {
  readonly name: string
  readonly profile: 'record-1'
  /** Changes whenever the same texts would give other bytes. */
  readonly version: string
  /** What else the bytes depend on: the compressor and its version. Part of every manifest. */
  readonly engine: string
  readonly defaultStylesheet: ''
  includesKind(kind: EventKind): boolean
  open(options: Pick<AdapterOptions, 'eventsPerFileMax'>, context: Pick<ExportContext, 'stem'>): RecordDocuments
}

export type RecordDocuments = {
  /** Adds the text of the next event. Returns the document before it if this text begins a new one. */
  add(text: string): ExportFile | undefined
  /** The last document. Without events there is one too, and it is empty. */
  finish(): ExportFile
}

/** The name of the record series, of its adapter type and of its directory. No other adapter may have it. */
export const RECORD_SERIES = 'record'

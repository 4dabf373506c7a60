import type { EventKind } from '@hansard/compliance-event'
import type { Interval, RoomSlice } from '@hansard/conversation'
import type { XsltEngine } from './xslt-engine.ts'

/**
 * An adapter turns conversations into files a vendor's archive accepts.
 *
 * It is given everything it needs and returns everything it made: it opens no database, reads no clock and
 * writes no file. The compliance worker writes the files durably and only then seals the export, so
 * `translate` may be run again with the same arguments, on another machine on another day, and must return
 * the same bytes.
 */
export type Adapter = {
  readonly name: string
  readonly profile: 'strict-2013' | 'extended-1'
  /** Changes whenever the same events would come out as other bytes. It is part of every manifest. */
  readonly version: string
  /** Of the files, without a dot. */
  readonly extension: string
  readonly defaultStylesheet: string
  /** Whether events of this kind appear. Those that do not are left out on purpose, and counted as left out. */
  includesKind(kind: EventKind): boolean
  /** Files in the order they are to be numbered, one at a time: no more than one of them is in memory. */
  translate(
    slices: AsyncIterable<RoomSlice>,
    options: AdapterOptions,
    context: ExportContext,
    engine: XsltEngine,
    stylesheet: string,
  ): AsyncIterable<ExportFile>
}

/** The original's options, under the original's names; `eventsPerFileMax` bounds memory and file size. */
export type AdapterOptions = {
  readonly oneChatRoomPerOutputFile: boolean
  readonly addChatRoomDetails: boolean
  readonly addUserDetails: boolean
  /** Beside each document that tells file transfers, a file that lists them. Absent from what was recorded before there was one. */
  readonly createFileAttachmentsManifest?: boolean | undefined
  readonly eventsPerFileMax: number
}

export type ExportContext = {
  /** What the names of all files of this export begin with. */
  readonly stem: string
  readonly interval: Interval
  readonly kind: 'interval' | 'addendum'
  /** 1, 2, 3 … per adapter */
  readonly number: number
}

export type ExportFile = {
  readonly name: string
  /** `attachments`: lists the file transfers of the document before it, whose name it bears with `.ATTACH` behind it */
  readonly role: 'document' | 'attachments'
  readonly bytes: Uint8Array
  /** how many events appear in the document, or how many transfers are listed */
  readonly events: number
}

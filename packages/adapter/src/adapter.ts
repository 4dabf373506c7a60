import type { EventKind } from '@hansard/compliance-event'
import type { Interval, RoomSlice } from '@hansard/conversation'
import type { Page } from './page.ts'
import type { XsltEngine } from './xslt-engine.ts'

/**
 * An adapter turns conversations into files that a vendor's archive accepts.
 *
 * It receives everything it needs and returns everything it makes: it opens no database, reads no clock and writes no
 * file. The compliance worker writes the files durably and then seals the export. So `translate` may run again with
 * the same arguments, on another machine on another day, and must return the same bytes.
 */
export type Adapter = {
  readonly name: string
  readonly profile: 'strict-2013' | 'extended-1'
  /** Changes whenever the same events would give other bytes. Every manifest contains it. */
  readonly version: string
  /** the extension of the files, without a dot */
  readonly extension: string
  readonly defaultStylesheet: string
  /** Whether events of this kind appear. Other kinds are omitted by design and counted as omitted. */
  includesKind(kind: EventKind): boolean
  /** Files in the order of their numbers, one at a time: no more than one of them is in memory. */
  translate(
    slices: AsyncIterable<RoomSlice>,
    options: AdapterOptions,
    context: ExportContext,
    engine: XsltEngine,
    stylesheet: string,
  ): AsyncIterable<ExportFile>
}

/** The original's options under the original's names; `eventsPerFileMax` bounds memory and file size. */
export type AdapterOptions = {
  readonly oneChatRoomPerOutputFile: boolean
  readonly addChatRoomDetails: boolean
  readonly addUserDetails: boolean
  /**
   * Adds a file that lists the transfers beside each document that shows any. Absent in exports recorded before the
   * option existed.
   */
  readonly createFileAttachmentsManifest?: boolean | undefined
  readonly eventsPerFileMax: number
}

export type ExportContext = {
  /** the prefix of all file names of this export */
  readonly stem: string
  readonly interval: Interval
  readonly kind: 'interval' | 'addendum'
  /** 1, 2, 3 … per adapter */
  readonly number: number
  /** Establishes which events are in each document. Absent for exports recorded before pages were compared. */
  readonly comparesPages?: boolean | undefined
}

export type ExportFile = {
  readonly name: string
  /** `attachments`: lists the file transfers of the document before it; named after it, with `.ATTACH` appended */
  readonly role: 'document' | 'attachments'
  readonly bytes: Uint8Array
  /** how many events appear in the document, or how many transfers are listed */
  readonly events: number
  /** of a document, when pages are compared: which of its events it shows */
  readonly page?: Page | undefined
}

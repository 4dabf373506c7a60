import type { RoomSlice } from '@hansard/conversation'
import type { AdapterOptions, ExportContext, ExportFile } from './adapter.ts'
import { channelAttributes, senderAttributes } from './document.ts'
import { exactly } from './exact-attribute.ts'
import { isoText, timestampAttributes } from './timestamp.ts'
import { openXmlWriter } from './xml-writer.ts'

const ATTACHMENTS_NAMESPACE = 'urn:hansard:attachments:1'

export type AttachmentsDocument = {
  add(slice: RoomSlice): void
  /** Undefined when there was no transfer. The document cannot be used afterwards. */
  finish(): ExportFile | undefined
}

/**
 * The attachments file of a document: every upload and download that the document shows, with the stored name, the safe
 * name, the name that the user gave, and the hash of the bytes in the compliance file store. The original has files
 * with this suffix and does not document their content; docs/adapter-spec.md documents ours.
 */
export function openAttachmentsDocument(
  documentName: string,
  options: AdapterOptions,
  { kind, number, interval }: ExportContext,
): AttachmentsDocument {
  const writer = openXmlWriter()
  let transfers = 0
  return {
    add({ room, events }) {
      for (const event of events) {
        if (event.kind !== 'file-upload' && event.kind !== 'file-download') continue
        if (transfers === 0) {
          writer.open('Attachments', [
            ['xmlns', ATTACHMENTS_NAMESPACE],
            ['document', documentName],
            ['kind', kind],
            ['number', number],
            ['start', isoText(interval.startsAt)],
            ['end', isoText(interval.endsAt)],
          ])
        }
        transfers += 1
        const { storedName, fileName, givenName, size, sha256, source, epoch, seq } = event
        writer.openInline('Attachment', [
          ['transfer', event.kind === 'file-upload' ? 'upload' : 'download'],
          ...exactly('storedName', storedName),
          ...exactly('fileName', fileName),
          ...(givenName === undefined ? [] : exactly('givenName', givenName)),
          ['size', size],
          ['sha256', sha256],
          ['source', source],
          ['epoch', epoch],
          ['seq', seq],
        ])
        writer.empty('Channel', channelAttributes(room, options))
        writer.empty('Sender', senderAttributes(event.principal, options))
        writer.empty('DateTimeUTC', timestampAttributes(event.at))
        writer.close()
      }
    },
    finish() {
      if (transfers === 0) return undefined
      writer.close()
      return { name: `${documentName}.ATTACH`, role: 'attachments', bytes: writer.finish(), events: transfers }
    },
  }
}

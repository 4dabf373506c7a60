import { z } from 'zod'
import { count, timestamp } from './paging.ts'

const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const text = z.string().min(1).max(2_048)

/** Either a chat by its room and id, or any event by its number. */
export const ProofQuery = z.strictObject({
  /** name or URI */
  room: text.optional(),
  chat: number.optional(),
  /** `<source>/<epoch>/<number>`, or `<source>/<epoch>/<incarnation>/<number>` */
  event: text.optional(),
})
export type ProofQuery = z.output<typeof ProofQuery>

const base64 = z.string()

/** Where an event is on record, and how that is checked without Hansard. */
export const ProofReply = z.object({
  event: z.object({
    source: z.string(),
    epoch: count,
    incarnation: z.string(),
    seq: count,
    kind: z.string(),
    at: timestamp,
    /** its URI */
    room: z.string(),
    /** as it was accepted, to the byte */
    text: z.string(),
    /** SHA-256 of the text */
    leaf: z.string(),
    /** of the source's chain at this number */
    head: z.string(),
    stagedAt: timestamp,
  }),
  interval: z.object({
    number: count,
    start: timestamp,
    end: timestamp,
    /** it arrived after the interval that its time belongs to was closed */
    late: z.boolean(),
  }),
  tree: z.object({
    /** the leaf's data: a line of a chain file */
    line: z.string(),
    /** counted from 0 */
    index: count,
    size: count,
    root: base64,
    /** from the leaf to the root: the hash beside the one reached so far, and its side */
    path: z.array(z.object({ side: z.enum(['left', 'right']), hash: base64 })),
  }),
  poolManifest: z.object({
    /** the name without its ending */
    stem: z.string(),
    /** the public key that signed it */
    key: z.string(),
    /** pool manifest, note and checkpoint */
    files: z.array(z.object({ name: z.string(), content: z.string() })),
  }),
  exports: z.array(
    z.object({
      adapter: z.string(),
      number: count,
      sealed: z.boolean(),
      directory: z.string(),
      manifest: z.string().nullable(),
      manifestSha256: z.string().nullable(),
      /** its chain file, and the line in it, counted from 1 */
      chain: z.object({ name: z.string(), line: count }).nullable(),
    }),
  ),
})
export type ProofReply = z.infer<typeof ProofReply>

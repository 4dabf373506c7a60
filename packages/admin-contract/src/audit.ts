import { z } from 'zod'
import { count, queryTime, timestamp } from './paging.ts'

const text = z.string().min(1).max(2_048)
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

export const ListAuditQuery = z.strictObject({
  /** an account, or `worker:<name>` */
  actor: text.optional(),
  action: text.optional(),
  object: text.optional(),
  from: queryTime.optional(),
  /** before this moment */
  to: queryTime.optional(),
  /** `next` of the page before */
  after: number.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})
export type ListAuditQuery = z.output<typeof ListAuditQuery>

export const AuditEntry = z.object({
  /** counted from 1 without gaps */
  number: count,
  at: timestamp,
  actor: z.string(),
  action: z.string(),
  object: z.string(),
  detail: z.record(z.string(), z.unknown()),
  /** the head of the chain after this record */
  head: z.string(),
})
export type AuditEntry = z.infer<typeof AuditEntry>

/** Newest first. */
export const ListAuditReply = z.object({ records: z.array(AuditEntry), next: z.string().nullable() })
export type ListAuditReply = z.infer<typeof ListAuditReply>

/** Both or neither: a number, and the head after it, as somebody noted them. */
export const VerifyAuditQuery = z.strictObject({
  number: number.optional(),
  head: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'takes 64 hexadecimal digits in lower case')
    .optional(),
})
export type VerifyAuditQuery = z.output<typeof VerifyAuditQuery>

export const VerifyAuditReply = z.object({
  /** records that were recomputed, and the head after them */
  records: count,
  head: z.string(),
  problem: z
    .object({
      what: z.enum(['altered', 'missing', 'added', 'unexpected']),
      /** the first record concerned; null for a row without a number */
      number: count.nullable(),
      message: z.string(),
    })
    .nullable(),
  /** heads of the chain that signed pool manifests hold, up to the problem if there is one */
  signed: z.object({
    heads: count,
    /** public keys that signed them: compare with the one you know */
    keys: z.array(z.string()),
    newest: z
      .object({
        number: count,
        head: z.string(),
        interval: count,
        /** the end of the interval, in ISO 8601 */
        at: z.string(),
        key: z.string(),
      })
      .nullable(),
  }),
})
export type VerifyAuditReply = z.infer<typeof VerifyAuditReply>

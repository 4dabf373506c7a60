import type { Envelope } from '@hansard/compliance-event'
import { z } from 'zod'

/**
 * The only place that names queues and defines their payloads.
 *
 * The payload is validated when it is read, because another version may have written it.
 */
const count = z.number().int().nonnegative()
/** Absent or "" for a source that started before there were incarnations. */
const incarnation = z
  .string()
  .regex(/^([0-9a-f]{32})?$/)
  .optional()

const EnvelopeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('events'),
    source: z.string().min(1),
    epoch: count.min(1),
    incarnation,
    // Staging checks the text of an event, and keeps whole what it does not understand.
    events: z.array(z.strictObject({ seq: count.min(1), at: count, body: z.string(), head: z.string() })),
  }),
  z.strictObject({
    kind: z.literal('roll-call'),
    rollCall: z.strictObject({
      takenAt: count,
      sources: z.array(
        z.strictObject({
          source: z.string().min(1),
          epoch: count.min(1),
          incarnation,
          state: z.enum(['alive', 'stopped', 'fenced', 'dead']),
          startedAt: count,
          lastSeq: count,
          head: z.string(),
          reportedAt: count,
        }),
      ),
      lost: z
        .array(
          z.strictObject({
            source: z.string().min(1),
            epoch: count.min(1),
            incarnation: z.string(),
            recordedSeq: count,
            foundSeq: count,
          }),
        )
        .max(1_000)
        .optional(),
    }),
  }),
]) satisfies z.ZodType<Envelope>

export const QUEUES = {
  /** From the relay to the compliance worker. */
  envelopes: { name: 'envelopes', payload: EnvelopeSchema },
} as const

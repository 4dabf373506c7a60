import type { OpenGap } from '@hansard/admin-contract'
import { openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import type { AddressOptions } from '../cli/pool-address.ts'
import { counted, table, utc, visible } from '../cli/table.ts'

type Options = AddressOptions & { readonly json: boolean }

/** Numbers that hold exports up, and gaps that were accepted; exit code 1 when any is missing. */
export async function listGaps(io: Io, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const reply = await admin.ask('gaps')
  answer(io, options.json, reply, () =>
    [
      reply.open.length === 0 ? 'No numbers are missing.\n' : table(MISSING, reply.open.map(rowOf)),
      ...(reply.accepted.length === 0
        ? []
        : [
            '\n',
            table(
              ['ACCEPTED', 'NUMBERS', 'BY', 'AT', 'REASON'],
              reply.accepted.map(({ from, to, acceptedBy, acceptedAt, reason, ...source }) => [
                nameOf(source),
                numbersOf(from, to),
                acceptedBy.join(' and '),
                utc(acceptedAt),
                reason,
              ]),
            ),
          ]),
    ].join(''),
  )
  return reply.open.length > 0 ? 1 : 0
}

const MISSING = ['SOURCE', 'NUMBERS', 'WHAT', 'AFTER', 'BEFORE', 'PROPOSED BY', 'REASON']

function rowOf({ from, to, what, after, before, proposal, ...source }: OpenGap): string[] {
  const at = (stamp: number | null) => (stamp === null ? '' : utc(stamp))
  const gone = what === 'removed' ? 'staged, then removed' : 'never staged'
  return [
    ...[nameOf(source), numbersOf(from, to), gone, at(after), at(before)],
    ...[proposal?.by ?? '', proposal?.reason ?? ''],
  ]
}

/** Proposes that numbers are accepted as missing; or accepts what somebody else proposed. */
export async function acceptGap(
  io: Io,
  { source, numbers }: { source: string; numbers: string },
  options: Options & { reason?: string },
): Promise<ExitCode> {
  const named = /^(?<name>.+?)\/(?<epoch>[1-9]\d{0,14})(?:\/(?<incarnation>[0-9a-f]{32}))?$/.exec(source)?.groups
  if (!named) throw misused(`${source} is no source.`, 'Name it as `hansard gaps list` does: SOURCE/EPOCH.')
  const range = /^(?<from>[1-9]\d{0,14})(?:-(?<to>[1-9]\d{0,14}))?$/.exec(numbers)?.groups
  if (!range) throw misused(`${numbers} is no range of numbers.`, 'Write FROM-TO, such as 4-7, or one number.')
  const { name, epoch, incarnation } = named
  const from = Number(range['from'])
  const body = {
    ...{ source: name!, epoch: Number(epoch), from, to: Number(range['to'] ?? from) },
    ...(incarnation === undefined ? {} : { incarnation }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  }
  const admin = await openAdmin(io, options)
  const done = await admin.ask('acceptGap', { body })
  answer(io, options.json, done, () => {
    const what = `${counted(done.to - done.from + 1, 'number')} of ${nameOf(done)}, ${numbersOf(done.from, done.to)},`
    if (done.outcome === 'proposed')
      return `It is proposed that ${what} are accepted as missing. A second person accepts it with the same command; one of the two has to be an officer.\n`
    return `${what} are accepted as missing: ${visible(done.reason)}. The first to say so was ${visible(done.proposedBy)}.\n`
  })
  return 0
}

const nameOf = ({ source, epoch, incarnation }: { source: string; epoch: number; incarnation: string }): string =>
  incarnation === '' ? `${source}/${epoch}` : `${source}/${epoch}/${incarnation}`
const numbersOf = (from: number, to: number): string => (from === to ? `${from}` : `${from}-${to}`)

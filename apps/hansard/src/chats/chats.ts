import { DEFAULT_REPLACEMENT } from '@hansard/admin-contract'
import { openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { confirm } from '../cli/confirm.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { counted, utc } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'

export type RemoveChatsOptions = PoolOptions & {
  readonly words?: string
  readonly match?: 'all' | 'any' | 'phrase'
  readonly caseSensitive: boolean
  readonly from?: number
  readonly to?: number
  readonly author: readonly string[]
  readonly replace?: string | true
  readonly dryRun: boolean
  readonly yes: boolean
}

/** Removes the chats of a room that fit, or replaces their text. */
export async function removeChats(io: Io, room: string, options: RemoveChatsOptions): Promise<ExitCode> {
  const { words, match, caseSensitive, from, to, replace, dryRun } = options
  const filter = said({
    words,
    match,
    from,
    to,
    authors: [...options.author],
    caseSensitive: caseSensitive || undefined,
  })
  if (words === undefined && from === undefined && to === undefined && options.author.length === 0) {
    throw misused('Say which chats: --words, --author, --from or --to.', 'To remove everything, `hansard rooms clear`.')
  }
  if (replace === '') {
    throw misused(
      '--replace takes the text that is put in their place.',
      'Without a text it is a note; without --replace they are removed.',
    )
  }
  const what = replace === undefined ? 'Remove' : 'Replace'
  const range = [from === undefined ? '' : ` from ${utc(from)}`, to === undefined ? '' : ` through ${utc(to)}`].join('')
  const posted = range === '' ? '' : ` posted${range}`
  if (!dryRun) await confirm(io, options, `${what} the chats of ${room}${posted} that fit?`)
  const admin = await openAdmin(io, options)
  const parts = { room }
  const replacement = replace === true ? DEFAULT_REPLACEMENT : replace
  const done =
    replacement === undefined
      ? await admin.ask('removeChats', { parts, body: { filter, dryRun } })
      : await admin.ask('replaceChats', { parts, body: { filter, replacement, dryRun } })
  const been = dryRun ? 'would be' : done.chats === 1 ? 'has been' : 'have been'
  const verb = `${been} ${replacement === undefined ? 'removed' : 'replaced'}`
  answer(
    io,
    options.json,
    { ...done, ...said({ from, to }) },
    () => `${counted(done.chats, 'chat')}${posted} ${verb}.\n`,
  )
  return 0
}

import type { Command } from 'commander'
import {
  address,
  between,
  choice,
  DATES,
  json,
  lastMoment,
  moment,
  momentAfter,
  poolVerb,
  several,
  type Verbs,
} from '../cli/verb.ts'
import type { RemoveChatsOptions } from './chats.ts'
import type { TestChatOptions } from './test-chat.ts'
import type { UsageReportOptions } from './usage-report.ts'

export function addChatsVerbs(program: Command, { io, run }: Verbs): void {
  const chats = program.command('chats').description('what was said')
  several(
    poolVerb(chats, 'remove', 'remove the chats of a room that fit, or replace their text; the record keeps them')
      .argument('<room>', 'name or URI')
      .option('--words <text>', 'words that stand in them')
      .addOption(choice('--match <match>', 'all of the words, any of them, or the phrase', ['all', 'any', 'phrase']))
      .option('--case-sensitive', 'upper and lower case differ', false)
      .option('--from <date>', `posted then or later: ${DATES.from}`, moment)
      .option('--to <date>', `posted then or earlier: ${DATES.through}`, lastMoment)
      .option('--replace [text]', 'put this in their place; a note that an administrator did when no text is given')
      .option('--dry-run', 'count and change nothing', false)
      .option('--yes', 'do not ask', false),
    '--author <principal>',
    'by this account',
  ).action(
    run(async (room: string, options: RemoveChatsOptions) => {
      const { removeChats } = await import('./chats.ts')
      return removeChats(io, room, options)
    }),
  )

  poolVerb(program, 'usage-report', 'who used the pool, and which rooms were used')
    .option('--start <date>', `${DATES.from}; thirty days before the end when absent`, moment)
    .option('--end <date>', `${DATES.through}; now when absent`, momentAfter)
    .option('--top-users <n>', 'so many of the most active', between(0, 1_000), 10)
    .option('--top-rooms <n>', 'so many of the most active', between(0, 1_000), 10)
    .option('--least-active-rooms <n>', 'so many of the least active', between(0, 1_000), 10)
    .option('--inactive-since <date>', `rooms in which nobody has posted since: ${DATES.from}`, moment)
    .action(
      run(async (options: UsageReportOptions) => {
        const { usageReport } = await import('./usage-report.ts')
        return usageReport(io, options)
      }),
    )

  address(json(program.command('test-chat')))
    .description('sign two accounts in, exchange a pair of chats in a room, and measure it')
    .argument('<room>', 'a room both may join')
    .requiredOption('--sender <account>', 'password from HANSARD_SENDER_PASSWORD, or typed')
    .requiredOption('--receiver <account>', 'password from HANSARD_RECEIVER_PASSWORD, or typed')
    .action(
      run(async (room: string, options: TestChatOptions) => {
        const { testChat } = await import('./test-chat.ts')
        return testChat(io, room, options)
      }),
    )
}

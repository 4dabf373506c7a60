import { Command, CommanderError } from 'commander'
import { addAddInVerbs } from './add-ins/add-ins-verbs.ts'
import { addAuditVerbs } from './audit/audit-verbs.ts'
import { addCategoriesVerbs } from './categories/categories-verbs.ts'
import { addChatsVerbs } from './chats/chats-verbs.ts'
import { misused, reportFailure } from './cli/command-failure.ts'
import type { ExitCode, Io } from './cli/io.ts'
import type { Verbs } from './cli/verb.ts'
import { VERSION } from './cli/version.ts'
import { addCompletionVerb } from './completion/completion-verb.ts'
import { addComplianceChangesVerbs } from './compliance-config/compliance-changes-verbs.ts'
import { addComplianceConfigVerbs } from './compliance-config/compliance-config-verbs.ts'
import { addConfigVerbs } from './config/config-verbs.ts'
import { addDataVerbs } from './data/data-verbs.ts'
import { addEndpointVerbs } from './endpoints/endpoints-verbs.ts'
import { addExportsVerbs } from './exports/exports-verbs.ts'
import { addGroupsVerbs } from './groups/groups-verbs.ts'
import { addKeysVerbs } from './keys/keys-verbs.ts'
import { addLeasesVerbs } from './leases/leases-verbs.ts'
import { addOwnAccountVerbs } from './own-account/own-account-verbs.ts'
import { addPolicyVerbs } from './policies/policies-verbs.ts'
import { addPoolVerbs } from './pool/pool-verbs.ts'
import { addPrincipalsVerbs } from './principals/principals-verbs.ts'
import { addQuarantineVerbs } from './quarantine/quarantine-verbs.ts'
import { addReplayVerb } from './replay/replay-verb.ts'
import { addRoomsVerbs } from './rooms/rooms-verbs.ts'
import { addSignInsVerbs } from './sign-ins/sign-ins-verbs.ts'
import { addSigningKeysVerbs } from './signing-keys/signing-keys-verbs.ts'
import { addSourcesVerbs } from './sources/sources-verbs.ts'
import { addStartVerb } from './standard-edition/start-verb.ts'
import { addStatusVerb } from './status/status-verb.ts'
import { addChatVerb } from './talk/chat-verb.ts'
import { addUsersVerbs } from './users/users-verbs.ts'

/** One for each noun, in the order in which the help lists them. */
const NOUNS: readonly ((program: Command, verbs: Verbs) => void)[] = [
  addStartVerb,
  addChatVerb,
  addReplayVerb,
  addExportsVerbs,
  addStatusVerb,
  addRoomsVerbs,
  addPrincipalsVerbs,
  addCategoriesVerbs,
  addUsersVerbs,
  addOwnAccountVerbs,
  addSignInsVerbs,
  addAuditVerbs,
  addKeysVerbs,
  addSigningKeysVerbs,
  addGroupsVerbs,
  addChatsVerbs,
  addDataVerbs,
  addAddInVerbs,
  addPolicyVerbs,
  addEndpointVerbs,
  addConfigVerbs,
  addPoolVerbs,
  addComplianceConfigVerbs,
  addComplianceChangesVerbs,
  addQuarantineVerbs,
  addLeasesVerbs,
  addSourcesVerbs,
  addCompletionVerb,
]

const EXIT_CODES = `
Exit codes: 0 done · 1 the pool or the evidence said no · 2 wrong usage, or not reached, or not readable
`
const ENVIRONMENT = `
Environment:
  HANSARD_ADMIN_PASSWORD  the operator's password: with --server, and of a pool's first start
  HANSARD_PASSWORD        your password for chat, password and sign-out; the new one for users add --password and users passwd
  HANSARD_NEW_PASSWORD    the new one, for password
  HANSARD_TOKEN_KEY_FILE  the keys that sign session tokens, for keys
  HANSARD_SIGNING_KEY_FILE  the key that signs pool manifests, for signing-keys
  HANSARD_AS_PASSWORD     the password of the account that --as names
  HANSARD_FILES_CLAMD     virus scanner of a pool's files: tcp://host:port or unix:/path
  HANSARD_DEBUG=true      show where a failure came from
`

/** Carries out one command line and answers its exit code. Never throws. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  const operandsFrom = args.indexOf('--')
  const json = (operandsFrom < 0 ? args : args.slice(0, operandsFrom)).includes('--json')
  const usage: string[] = []
  const program = createProgram(io, {
    ended: (code) => {
      exitCode = code
    },
    // To a program, wrong usage is an error like any other: one line of JSON.
    complain: (text) => void (json ? usage.push(text) : io.stderr.write(text)),
  })
  const report = (error: unknown) =>
    reportFailure(io, error, { json, debug: io.env.optional('HANSARD_DEBUG') === 'true' })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error)
    // Commander has written what is wrong, or the help that was asked for.
    if (error.exitCode === 0) return 0
    return json ? report(wrongUsage(error, usage)) : 2
  }
}

function wrongUsage(error: CommanderError, written: readonly string[]): Error {
  const hint = written.at(-1)?.match(/\((.* --help .*)\)/)?.[1]
  if (error.code === 'commander.help') return misused('A verb is missing.', 'See `hansard --help`.')
  return misused(error.message.replace(/^error: /, ''), hint)
}

/** The whole command line, as commander keeps it. */
function createProgram(
  io: Io,
  { ended, complain }: { ended: (code: ExitCode) => void; complain: (text: string) => void },
): Command {
  const program = new Command('hansard')
    .description('The official record of a chat pool.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: complain,
    })
    .addHelpText('after', `${EXIT_CODES}${ENVIRONMENT}`)
  const run =
    <A extends unknown[]>(work: (...args: A) => Promise<ExitCode>) =>
    async (...args: A) =>
      ended(await work(...args))
  for (const addVerbs of NOUNS) addVerbs(program, { io, run })
  nameOwnHelp(program, 'hansard')
  return program
}

/** The help that belongs to a mistyped command line: the verb's, if it names one. */
function nameOwnHelp(command: Command, line: string): void {
  const more = command.commands.length > 0 ? 'tells what there is' : 'tells how it is used'
  command.showHelpAfterError(`(${line} --help ${more})`)
  for (const verb of command.commands) nameOwnHelp(verb, `${line} ${verb.name()}`)
}

import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { reportFailure } from './command-failure.ts'
import type { ExitCode, Io } from './io.ts'
import { DEFAULT_DATA_DIRECTORY } from './pool-address.ts'
import type { StartOptions } from './start.ts'
import { addCategoriesVerbs } from './verbs/categories-verbs.ts'
import { addChatsVerbs } from './verbs/chats-verbs.ts'
import { addDataVerbs } from './verbs/data-verbs.ts'
import { addPeopleVerbs } from './verbs/people-verbs.ts'
import { addRoomsVerbs } from './verbs/rooms-verbs.ts'
import { addSettingsVerbs } from './verbs/settings-verbs.ts'
import { addSignInVerbs } from './verbs/sign-in-verbs.ts'
import { address, asked, json, positive } from './verbs/verb.ts'
import { VERSION } from './version.ts'

type Options = { readonly json: boolean; readonly server?: string; readonly data?: string }

const EXIT_CODES = `
Exit codes: 0 done · 1 the pool or the evidence said no · 2 wrong usage, or not reached, or not readable
`
const ENVIRONMENT = `
Environment:
  HANSARD_ADMIN_PASSWORD  the operator's password: with --server, and of a pool's first start
  HANSARD_PASSWORD        your password for chat, password and sign-out; the new one for users add --password and users passwd
  HANSARD_NEW_PASSWORD    the new one, for password
  HANSARD_TOKEN_KEY_FILE  the keys that sign session tokens, for keys
  HANSARD_AS_PASSWORD     the password of the account that --as names
  HANSARD_FILES_CLAMD     virus scanner of a pool's files: tcp://host:port or unix:/path
  HANSARD_DEBUG=true      show where a failure came from
`

/** Carries out one command line and answers its exit code. Never throws. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  const json = args.includes('--json')
  const program = build(io, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has written what is wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    return reportFailure(io, error, { json, debug: io.env.optional('HANSARD_DEBUG') === 'true' })
  }
}

function build(io: Io, ended: (code: ExitCode) => void): Command {
  const program = new Command('hansard')
    .description('The official record of a chat pool.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .addHelpText('after', `${EXIT_CODES}${ENVIRONMENT}`)
  const run =
    <A extends unknown[]>(work: (...args: A) => Promise<ExitCode>) =>
    async (...args: A) =>
      ended(await work(...args))

  json(program.command('start'))
    .description('run a pool of one process until it is stopped')
    .option('--data <dir>', 'the directory that holds everything it keeps', DEFAULT_DATA_DIRECTORY)
    .option('--port <n>', 'where it listens; 0 for any free port', portNumber, 7_464)
    .option('--host <address>', 'the address it listens on', '127.0.0.1')
    .option('--interval <time>', 'how long an interval is: 1m to 30d', '1m')
    .option('--public-url <url>', 'what clients reach it at, behind a proxy or by its name: https://chat.example.com')
    .option('--tls-cert <file>', 'serve with TLS: the certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--trusted-proxies <list>', 'addresses or ranges of proxies whose X-Forwarded-For is believed')
    .option('--insecure-listen', 'listen beyond this machine without TLS')
    .addHelpText('after', '\nThe first start prints an operator’s password, or takes it from HANSARD_ADMIN_PASSWORD.')
    .action(
      run(async (options: StartOptions) => {
        const { startCommand } = await import('./start.ts')
        return startCommand(options, io)
      }),
    )

  address(json(program.command('chat')))
    .description('talk in rooms, in a terminal or from a script')
    .argument('[room...]', 'rooms to come into at once')
    .option('--account <name>', 'who you are')
    .action(
      run(async (rooms: string[], options: Options & { account?: string }) => {
        const { chatCommand } = await import('./commands/chat.ts')
        return chatCommand(io, rooms, options)
      }),
    )

  asked(json(program.command('replay')))
    .description('play logs of the #ubuntu corpus format into a pool, one room per file')
    .argument('<path...>', 'log files, or folders of .log files')
    .option('--speed <speed>', 'max, or how many times faster than in the logs, such as 60x', 'max')
    .option('--files-at-once <n>', 'files that are played side by side', positive, 40)
    .addHelpText('after', '\nWith --data, a pool is started for the replay when none is running there.')
    .action(
      run(async (paths: string[], options: Options & { speed: string; filesAtOnce: number }) => {
        const { replayCommand } = await import('./commands/replay.ts')
        return replayCommand(io, paths, options)
      }),
    )

  asked(json(program.command('seal')))
    .description('close what is open now, and wait until it is sealed')
    .action(
      run(async (options: Options) => {
        const { sealCommand } = await import('./commands/seal.ts')
        return sealCommand(io, options)
      }),
    )

  const exports = program.command('exports').description('what has been exported')
  asked(json(exports.command('list')))
    .description('exports, newest first')
    .option('--adapter <name>', 'only of this adapter')
    .option('--limit <n>', 'so many at most', positive, 50)
    .action(
      run(async (options: Options & { adapter?: string; limit: number }) => {
        const { listExports } = await import('./commands/exports.ts')
        return listExports(io, options)
      }),
    )
  asked(json(exports.command('show')))
    .description('one export and its files')
    .argument('<id>', 'such as xml/12')
    .action(
      run(async (id: string, options: Options) => {
        const { showExport } = await import('./commands/exports.ts')
        return showExport(io, id, options)
      }),
    )
  asked(json(exports.command('files')))
    .description('the paths of its files, one a line')
    .argument('<id>', 'such as xml/12')
    .action(
      run(async (id: string, options: Options) => {
        const { exportFiles } = await import('./commands/exports.ts')
        return exportFiles(io, id, options)
      }),
    )
  asked(json(exports.command('replay')))
    .description('render it again and compare with the sealed bytes')
    .argument('<id>', 'such as xml/12')
    .action(
      run(async (id: string, options: Options) => {
        const { replayExport } = await import('./commands/exports.ts')
        return replayExport(io, id, options)
      }),
    )

  json(program.command('verify'))
    .description('check exports offline: manifests, hashes, chains, numbering')
    .argument('<dir>', 'a folder of exports, such as DIR/exports')
    .action(
      run(async (directory: string, options: { json: boolean }) => {
        const { verifyCommand } = await import('./commands/verify.ts')
        return verifyCommand(io, directory, options)
      }),
    )

  asked(json(program.command('status')))
    .description('where everything is that was accepted; exit code 1 when something needs a person')
    .action(
      run(async (options: Options) => {
        const { statusCommand } = await import('./commands/status.ts')
        return statusCommand(io, options)
      }),
    )

  const verbs = { io, run }
  addRoomsVerbs(program, verbs)
  addCategoriesVerbs(program, verbs)
  addPeopleVerbs(program, verbs)
  addChatsVerbs(program, verbs)
  addDataVerbs(program, verbs)
  addSettingsVerbs(program, verbs)
  addSignInVerbs(program, verbs)

  const quarantine = program.command('quarantine').description('events that could not be staged')
  asked(json(quarantine.command('list')))
    .description('what is there and why; exit code 1 when there is anything')
    .action(
      run(async (options: Options) => {
        const { listQuarantine } = await import('./commands/quarantine.ts')
        return listQuarantine(io, options)
      }),
    )
  asked(json(quarantine.command('retry')))
    .description('try to stage them again')
    .action(
      run(async (options: Options) => {
        const { retryQuarantine } = await import('./commands/quarantine.ts')
        return retryQuarantine(io, options)
      }),
    )

  const sources = program.command('sources').description('services that record events')
  asked(json(sources.command('declare-dead')))
    .description('say that a silent source will not come back, so that intervals can close without it')
    .argument('<source>', 'as status names it')
    .action(
      run(async (source: string, options: Options) => {
        const { declareDead } = await import('./commands/sources.ts')
        return declareDead(io, source, options)
      }),
    )
  nameOwnHelp(program, 'hansard')
  return program
}

/** Whoever typed a verb wrongly is sent to that verb's help. */
function nameOwnHelp(command: Command, line: string): void {
  const more = command.commands.length > 0 ? 'tells what there is' : 'tells how it is used'
  command.showHelpAfterError(`(${line} --help ${more})`)
  for (const verb of command.commands) nameOwnHelp(verb, `${line} ${verb.name()}`)
}

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('A port is a number from 0 to 65535.')
}

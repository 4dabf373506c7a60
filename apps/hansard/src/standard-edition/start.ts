import { once } from 'node:events'
import { approvalSetting } from '@hansard/admin-api'
import { OPERATOR_ACCOUNT } from '@hansard/admin-contract'
import { systemClock } from '@hansard/clock'
import { anchorSettings } from '@hansard/compliance-worker'
import { clockSettings, commonSettings } from '@hansard/config'
import { parseRunInterval } from '@hansard/conversation'
import { parseClamdAddress } from '@hansard/file-store'
import { sharedHttpSettings } from '@hansard/http'
import { createLog } from '@hansard/log'
import { CommandFailure } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { DEFAULT_DATA_DIRECTORY } from '../cli/pool-address.ts'
import { PASSWORD_KEPT, STANDARD_APPROVAL, startStandardEdition } from './standard-edition.ts'

export type StartOptions = {
  readonly data: string
  readonly port: number
  readonly host: string
  readonly interval: string
  readonly json: boolean
  readonly publicUrl?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly trustedProxies?: string
  readonly insecureListen?: boolean
}

/** Runs a Standard Edition pool until the process is asked to end, and then stops it properly. */
export async function startCommand(options: StartOptions, io: Io): Promise<ExitCode> {
  const settings = {
    ...commonSettings(io.env, { logLevel: options.json ? 'info' : 'warn' }),
    ...clockSettings(io.env),
  }
  const anchors = anchorSettings(io.env)
  const approval = approvalSetting(io.env, { fallback: STANDARD_APPROVAL })
  io.env.check()
  const log = createLog({ service: 'hansard', level: settings.logLevel })
  const pool = await startStandardEdition(
    {
      data: options.data,
      port: options.port,
      host: options.host,
      http: httpOptions(options, io),
      runIntervalMs: runInterval(options.interval),
      ...settings,
      approval,
      operatorPassword: io.env.optional('HANSARD_ADMIN_PASSWORD'),
      clamd: clamdAddress(io),
      anchors,
      complianceThread: true,
    },
    { clock: systemClock, log },
  )
  if (pool.otherPasswordKept) io.stderr.write(PASSWORD_KEPT)
  const password = pool.oneTimePassword
  const where = options.data === DEFAULT_DATA_DIRECTORY ? '' : ` --data ${options.data}`
  const ready = {
    ...pool.urls,
    data: options.data,
    exports: pool.exports,
    ...(password === undefined ? {} : { operator: OPERATOR_ACCOUNT, password }),
  }
  answer(io, options.json, ready, () =>
    [
      `Hansard is running. Clients and commands reach it at ${pool.urls.server}`,
      `  data      ${options.data}`,
      `  exports   ${pool.exports}, every ${options.interval}`,
      ...(password === undefined
        ? []
        : [`  operator  account "${OPERATOR_ACCOUNT}", password ${password}   (shown once; keep it)`]),
      `Talk:  npx hansard rooms add desk${where}`,
      `       npx hansard users add alice --password${where}`,
      `       npx hansard chat desk --account alice${where}`,
      'Stop:  Ctrl-C',
      '',
    ].join('\n'),
  )

  const stopped = io.stop.aborted ? Promise.resolve() : once(io.stop, 'abort')
  const failure = await Promise.race([stopped.then(() => undefined), pool.failed])
  if (failure) log.error({ err: failure }, 'a part of the pool has died; stopping')
  else if (!options.json) io.stderr.write('Stopping: everybody’s departure is recorded first.\n')
  await pool.stop()
  if (failure) throw new CommandFailure(1, `The pool stopped by itself: ${failure.message}`)
  return 0
}

/** The options of the command line, over the environment. */
function httpOptions(options: StartOptions, io: Io): ReturnType<typeof sharedHttpSettings> {
  const given = {
    HANSARD_PUBLIC_URL: options.publicUrl,
    HANSARD_TLS_CERT: options.tlsCert,
    HANSARD_TLS_KEY: options.tlsKey,
    HANSARD_TRUSTED_PROXIES: options.trustedProxies,
    HANSARD_INSECURE_LISTEN: options.insecureListen ? 'true' : undefined,
  }
  const env = io.env.with(given)
  const settings = sharedHttpSettings(env)
  env.check()
  return settings
}

function runInterval(text: string): number {
  try {
    return parseRunInterval(text)
  } catch (error) {
    throw new CommandFailure(2, `--interval ${text}: ${(error as Error).message}`)
  }
}

function clamdAddress(io: Io): string | undefined {
  const address = io.env.optional('HANSARD_FILES_CLAMD')
  try {
    return address === undefined ? undefined : parseClamdAddress(address)
  } catch (error) {
    throw new CommandFailure(2, `HANSARD_FILES_CLAMD is "${address}"; ${(error as Error).message}`)
  }
}

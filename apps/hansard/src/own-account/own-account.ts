import { connect, type PoolClient } from '@hansard/client'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { forgetDevice, knownDevice } from '../cli/known-devices.ts'
import { type AddressOptions, findPool } from '../cli/pool-address.ts'
import { readNewPassword, readPassword, typeLine } from '../cli/prompt.ts'
import { wsSocket } from '../cli/ws-socket.ts'

export type OwnAccountOptions = AddressOptions & { readonly account?: string | undefined; readonly json: boolean }

/** Changes one's own password. Other sessions of the account end. */
export async function passwordCommand(io: Io, options: OwnAccountOptions): Promise<ExitCode> {
  const me = await signInAs(io, options)
  try {
    const newPassword = await readNewPassword(io, { variable: 'HANSARD_NEW_PASSWORD', account: me.account })
    await me.client.changePassword({ password: me.password, newPassword })
  } finally {
    await me.client.close()
  }
  answer(
    io,
    options.json,
    { account: me.account },
    () => 'Your password has been changed. Other sessions have ended.\n',
  )
  return 0
}

/** Ends all sessions of one's own account, on every device, and forgets this device. */
export async function signOutCommand(io: Io, options: OwnAccountOptions): Promise<ExitCode> {
  const me = await signInAs(io, options)
  await me.client.signOut({ everywhere: true })
  await forgetDevice(io, me)
  answer(io, options.json, { account: me.account }, () => `All sessions of ${me.account} have ended.\n`)
  return 0
}

async function signInAs(
  io: Io,
  options: OwnAccountOptions,
): Promise<{ client: PoolClient; server: string; account: string; password: string }> {
  const { server } = await findPool(options)
  if (options.account === undefined && !io.stdin.isTTY) throw misused('Which account? Say --account NAME.')
  const account = options.account ?? (await typeLine(io, 'Account: ')).trim()
  const password = await readPassword(io, { variable: 'HANSARD_PASSWORD', question: `Password of ${account}: ` })
  const { kept, ...device } = await knownDevice(io, { server, account })
  const client = await connect({ server, account, password, openSocket: wsSocket, ...device })
  await kept()
  return { client, server, account, password }
}

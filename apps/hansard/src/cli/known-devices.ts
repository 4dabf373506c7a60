import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Io } from './io.ts'

/**
 * The tokens by which pools know this device, in the user's configuration directory, readable by its owner only. A
 * token lets nobody in: with it, wrong guesses that others make do not delay this user.
 */
const Devices = z.array(z.object({ server: z.string(), account: z.string(), token: z.string() }))
const DEVICES_MAX = 200

/** For `connect` and the admin API's sign-in: what this device shows, and where it keeps what it is given. */
export async function knownDevice(
  io: Io,
  pool: { server: string; account: string },
): Promise<{ device?: string; onDevice(token: string): void; kept(): Promise<void> }> {
  const file = devicesFile(io)
  const known = file === undefined ? undefined : (await read(file)).find(isOf(pool))
  let keeping = Promise.resolve()
  return {
    ...(known === undefined ? {} : { device: known.token }),
    onDevice(token) {
      if (file !== undefined) keeping = keep(file, { ...pool, token }).catch((error) => tell(io, file, error))
    },
    /** Resolves when what was given is on disk. */
    kept: () => keeping,
  }
}

/** Forgets this device: the next sign-in is one from an unknown device. */
export async function forgetDevice(io: Io, pool: { server: string; account: string }): Promise<void> {
  const file = devicesFile(io)
  if (file === undefined) return
  const all = await read(file)
  const others = all.filter((device) => !isOf(pool)(device))
  if (others.length < all.length) await write(file, others)
}

/** Nowhere when the environment names no home: a service account need not have one. */
function devicesFile(io: Io): string | undefined {
  const home = io.env.optional('HOME')
  const directory = io.env.optional('XDG_CONFIG_HOME') ?? (home === undefined ? undefined : join(home, '.config'))
  return directory === undefined ? undefined : join(directory, 'hansard', 'devices.json')
}

/** A file that cannot be understood is as good as none: the device is then unknown, and is given a token again. */
async function read(file: string): Promise<z.infer<typeof Devices>> {
  try {
    const parsed = Devices.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return parsed.success ? parsed.data : []
  } catch {
    return []
  }
}

async function keep(file: string, device: z.infer<typeof Devices>[number]): Promise<void> {
  const others = (await read(file)).filter((known) => !isOf(device)(known))
  await write(file, [device, ...others].slice(0, DEVICES_MAX))
}

async function write(file: string, devices: z.infer<typeof Devices>): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}.new`
  await writeFile(temporary, `${JSON.stringify(devices, null, 2)}\n`, { mode: 0o600 })
  await chmod(temporary, 0o600)
  await rename(temporary, file)
}

function isOf({ server, account }: { server: string; account: string }) {
  return (device: { server: string; account: string }) => device.server === server && device.account === account
}

function tell(io: Io, file: string, error: Error): void {
  io.stderr.write(`hansard: ${file} cannot be written (${error.message}): the pool will not know this device again.\n`)
}

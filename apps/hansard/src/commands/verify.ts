import { stat } from 'node:fs/promises'
import { unreachable } from '../command-failure.ts'
import { answer, type ExitCode, type Io } from '../io.ts'
import { visible } from '../table.ts'
import { verifyDirectory } from '../verify.ts'

/** Checks exports without a pool: 0 good, 1 broken and what, 2 cannot be read. */
export async function verifyCommand(io: Io, directory: string, options: { json: boolean }): Promise<ExitCode> {
  await stat(directory).catch((error: Error) => {
    throw unreachable(`${directory} cannot be read: ${error.message}`, undefined, error)
  })
  const report = await verifyDirectory(directory)
  answer(io, options.json, report, () => JSON.stringify(report, null, 2) + visible(''))
  return 0
}

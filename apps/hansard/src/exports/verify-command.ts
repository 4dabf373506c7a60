import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { describeReport, verifyDirectory } from './verify.ts'

/** Checks exports without a pool: 0 good, 1 broken and what, 2 cannot be read. */
export async function verifyCommand(io: Io, directory: string, options: { json: boolean }): Promise<ExitCode> {
  const report = await verifyDirectory(directory)
  answer(io, options.json, report, () => describeReport(report))
  return report.exitCode
}

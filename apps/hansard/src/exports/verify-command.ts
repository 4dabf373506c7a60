import { unreachable } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { describeReport, verifyDirectory } from './verify.ts'

/** Checks exports without a pool: 0 good, 1 broken and what, 2 cannot be read. */
export async function verifyCommand(io: Io, directory: string, options: { json: boolean }): Promise<ExitCode> {
  const report = await verifyDirectory(directory)
  // Without anything to report on, verifying fails like any other command. Programs still get the report.
  const nothing = report.series.length === 0 && report.findings.length === 0 ? report.unreadable[0] : undefined
  if (nothing && !options.json)
    throw unreachable(`${directory}: ${nothing.message}`, 'Name a folder of exports, such as DIR/exports.')
  answer(io, options.json, report, () => describeReport(report))
  return report.exitCode
}

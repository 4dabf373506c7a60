import type { TimeStampsReport } from './findings.ts'
import { broken, type Check, cannotRead, type Found, readBytes } from './pool-check.ts'
import { stemOfPoolManifest } from './pool-manifest.ts'

/** The replies of a time-stamp authority (RFC 3161) beside the checkpoints of these pool manifests. */
export async function verifyTimeStamps(check: Check, found: readonly Found[]): Promise<TimeStampsReport> {
  const { directory, checkTimeStamp } = check
  const report = {
    present: 0,
    verified: 0,
    newest: null as TimeStampsReport['newest'],
    lagMsMax: null as number | null,
  }
  for (const { file, manifest } of found) {
    const stem = stemOfPoolManifest(file)!
    if (!directory.files.includes(`${stem}.tsr`)) continue
    report.present += 1
    if (!checkTimeStamp) continue
    const [reply, data] = [await readBytes(directory, `${stem}.tsr`), await readBytes(directory, `${stem}.checkpoint`)]
    if (reply.outcome === 'unreadable') cannotRead(check, `${stem}.tsr`, reply.reason)
    // A checkpoint that is missing or cannot be read has been reported.
    if (reply.outcome !== 'read' || data.outcome !== 'read') continue
    const at = await checkTimeStamp({ reply: reply.bytes, data: data.bytes })
    if (at === undefined) {
      const message = `${stem}.tsr is not a time stamp of ${stem}.checkpoint by the authority that was named`
      broken(check, { what: 'time-stamp', file: `${stem}.tsr`, message })
      continue
    }
    report.verified += 1
    report.newest = { file: `${stem}.tsr`, at: new Date(at).toISOString() }
    report.lagMsMax = Math.max(report.lagMsMax ?? -Infinity, at - manifest.interval.endMs)
  }
  return report
}

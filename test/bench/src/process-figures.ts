import { readdirSync, readFileSync } from 'node:fs'

/** CPU seconds (user and system) used by a process; Linux counts in ticks of 10 ms. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(line?.[1]) * 1_024
}

/** CPU seconds of all running descendants of this process. */
export function cpuSecondsOfDescendants(): number {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = parentOf(Number(name))
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)])
  return below(process.pid).reduce((sum, pid) => sum + cpuOfOneThatMayEnd(pid), 0)
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[1])
  } catch {
    return undefined
  }
}

function cpuOfOneThatMayEnd(pid: number): number {
  try {
    return cpuSeconds(pid)
  } catch {
    return 0
  }
}

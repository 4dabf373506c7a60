import { type Command, InvalidArgumentError } from 'commander'
import { atLeastOne, DATES, moment, momentAfter, poolVerb, positive, type Verbs } from '../cli/verb.ts'
import type { ListAuditOptions, Mark, VerifyAuditOptions } from './audit.ts'

/** Who read or changed what. */
export function addAuditVerbs(program: Command, { io, run }: Verbs): void {
  const audit = program.command('audit').description('who read or changed what')
  poolVerb(audit, 'list', 'audit records, newest first')
    .option('--actor <account>', 'only of this account')
    .option('--action <action>', 'only this action, such as show-export')
    .option('--object <object>', 'only what concerns this object, such as xml/12')
    .option('--from <time>', DATES.from, moment)
    .option('--to <time>', DATES.through, momentAfter)
    .option('--after <n>', 'only records before this number: the next page', atLeastOne)
    .option('--limit <n>', 'so many at most', positive, 100)
    .action(
      run(async (options: ListAuditOptions) => {
        const { listAudit } = await import('./audit.ts')
        return listAudit(io, options)
      }),
    )
  poolVerb(audit, 'verify', 'recompute the chain and compare it with signed heads; names the first record that differs')
    .option('--key <key>', 'a public key that heads may be signed with; again for one that was replaced', collect, [])
    .option('--expect <number:head>', 'a head that was noted earlier: its record must still be there', mark)
    .action(
      run(async (options: VerifyAuditOptions) => {
        const { verifyAudit } = await import('./audit.ts')
        return verifyAudit(io, options)
      }),
    )
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

function mark(text: string): Mark {
  const found = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text)
  if (!found) throw new InvalidArgumentError('It takes a number, a colon and 64 hexadecimal digits, as verify prints.')
  return { number: Number(found[1]), head: found[2]! }
}

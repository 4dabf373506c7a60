import type { Exception } from './exceptions.ts'
import type { Repository, Rule, RuleFinding } from './repository.ts'
import { importCircles } from './rules/circles.ts'
import { browserSafe, directImports, pureRules } from './rules/imports.ts'
import { decisionNames, fixturesAreData, vagueNames } from './rules/names.ts'
import { headOfApp, indexIsAPromise, uniformPackages } from './rules/packages.ts'
import { clockReads, environment, noConsole, noProcessExit } from './rules/process.ts'
import { filesInProse, shortLinesOfProse, testsInThreatModel } from './rules/prose.ts'
import { oneTypeOneName, unusedDependencies, unusedExports } from './rules/unused.ts'

const RULES: readonly Rule[] = [
  directImports,
  importCircles,
  unusedDependencies,
  unusedExports,
  oneTypeOneName,
  filesInProse,
  shortLinesOfProse,
  testsInThreatModel,
  pureRules,
  browserSafe,
  clockReads,
  environment,
  noProcessExit,
  noConsole,
  vagueNames,
  decisionNames,
  fixturesAreData,
  uniformPackages,
  headOfApp,
  indexIsAPromise,
]

/** Every violation without an exception, and every exception without a violation. */
export function checkRepository(repository: Repository, exceptions: readonly Exception[]): RuleFinding[] {
  const findings = RULES.flatMap((rule) => rule(repository))
  const excuses = (exception: Exception, finding: RuleFinding) =>
    exception.rule === finding.rule && finding.path.startsWith(exception.path) && exception.subject === finding.subject
  const unused = exceptions.filter((exception) => !findings.some((finding) => excuses(exception, finding)))
  return [
    ...findings.filter((finding) => !exceptions.some((exception) => excuses(exception, finding))),
    ...unused.map(({ rule, path, subject }) => ({
      rule: 'no-unused-exceptions',
      path,
      subject,
      message: `the exception from ${rule} for ${subject} excuses nothing`,
    })),
  ]
}

import { BaseSequencer, type TestSpecification } from 'vitest/node'

const PROJECTS = ['chaos', 'pool', 'unit']

/**
 * Whole pools first: they take minutes and mostly wait, so they must not be last. Within a project vitest's own order
 * applies: by the last run's durations, by size in a fresh clone. Workers are reused only between files of one
 * project, so projects are not mixed.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rank = (file: TestSpecification) => PROJECTS.indexOf(file.project.name)
    return sorted.toSorted((a, b) => rank(a) - rank(b))
  }
}

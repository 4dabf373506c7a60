import { BaseSequencer, type TestSpecification } from 'vitest/node'

const PROJECTS = ['chaos', 'pool', 'unit']

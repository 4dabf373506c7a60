import { ManualClock, SteppedClock } from '@hansard/clock'
import { expect, it } from 'vitest'
import { createAssignments, REPORT_EXPIRES_MS } from './assignments.ts'

const load = (service: string, sessions: number, sessionsMax = 100) => ({
  service,
  endpoint: `ws://${service}`,
  sessions,
  sessionsMax,
})

it('chooses the service with the smallest share of its limit', () => {
  const assignments = createAssignments({ clock: new ManualClock(0) })
  assignments.report(load('small', 10, 20))
  assignments.report(load('large', 30, 100))
  expect(assignments.assign()?.endpoint).toBe('ws://large')
})

it('spreads a rush of sign-ins between two reports', () => {
  const assignments = createAssignments({ clock: new ManualClock(0) })
  assignments.report(load('a', 0))
  assignments.report(load('b', 0))
  const given = Array.from({ length: 50 }, () => assignments.assign()?.endpoint)
  expect(given.filter((endpoint) => endpoint === 'ws://a')).toHaveLength(25)
})

it('leaves out a service that is full or silent', () => {
  const clock = new ManualClock(0)
  const assignments = createAssignments({ clock })
  assignments.report(load('full', 100))
  expect(assignments.assign()).toBeUndefined()
  assignments.report(load('alive', 0))
  expect(assignments.assign()?.endpoint).toBe('ws://alive')
  clock.advance({ ms: REPORT_EXPIRES_MS + 1 })
  expect(assignments.assign()).toBeUndefined()
})

it('leaves out a service that fell silent before a clock that was ahead was set right', () => {
  const time = new ManualClock(0)
  const clock = new SteppedClock(time)
  const assignments = createAssignments({ clock })
  clock.step(3 * 3_600_000)
  assignments.report(load('silent', 0))
  clock.step(-3 * 3_600_000)
  expect(assignments.assign()?.endpoint).toBe('ws://silent')
  time.advance({ ms: REPORT_EXPIRES_MS + 1 })
  expect(assignments.assign()).toBeUndefined()
})

it('assigns sessions only to active servers, if any are set', () => {
  const assignments = createAssignments({ clock: new ManualClock(0) })
  assignments.report(load('standby', 0))
  assignments.report(load('busy', 50))
  expect(assignments.assign(['busy'])?.endpoint).toBe('ws://busy')
  expect(assignments.assign(['gone'])).toBeUndefined()
  expect(assignments.assign([])?.endpoint).toBe('ws://standby')
})

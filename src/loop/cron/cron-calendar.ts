import { createTask, validateDetailed, type DetailedValidation } from 'node-cron'
import { messageOf } from '../../base/errors.js'
import { LoopError } from '../errors.js'

export interface CalendarOptions {
  /** An IANA time zone: `Europe/Berlin`. */
  readonly timezone: string
  /** That both day fields are meant: see `readCalendar`. */
  readonly bothDays: 'refuse' | 'and'
}

/** When an expression fires. */
export interface CronCalendar {
  readonly expression: string
  readonly timezone: string
  /** The first fire after `time`; both are ms since 1970. Whole seconds. */
  next(time: number): number
}

/** What node-cron's task has beside its declared members: they only tell of times after the present one. */
interface WithMatcher {
  readonly timeMatcher: { getNextMatch(date: Date): Date }
}

/** Its own would write to the console; nothing is ever started here that would log. */
const SILENT = { info: (): void => {}, warn: (): void => {}, error: (): void => {}, debug: (): void => {} }

/**
 * Reads a cron expression: five fields, or six with the seconds first, or `@daily` and
 * its like, as node-cron has them.
 *
 * node-cron ANDs the two day fields: `0 0 13 * 5` is Friday the 13th, where cron(5) and
 * most others mean every 13th and every Friday. An expression that restricts both is
 * refused unless it says that it means both.
 *
 * What node-cron does where a time zone's clocks are changed (there is none in UTC):
 * a time that is skipped does not fire that day, and nothing is missed; a time that
 * comes twice fires once, the first time in zones west of Greenwich and the second in
 * those east of it; a schedule that fires more than once an hour pauses for the
 * repeated hour.
 *
 * This file is the only one that knows node-cron, and all that it takes from it is the
 * calendar. Its own timers look at the wall clock up to a day late after a jump, walk
 * through each fire that was missed in one go, cannot be told another time, and know
 * no abort.
 *
 * @throws CRON_INVALID, with `expression`, `field` and `value` in its details
 */
export function readCalendar(expression: string, { timezone, bothDays }: CalendarOptions): CronCalendar {
  checkTimezone(expression, timezone)
  const read = validateDetailed(expression)
  const [error] = read.errors
  if (error) throw invalid(expression, { field: error.field, value: error.value, rule: error.message })
  if (bothDays === 'refuse' && restrictsBothDays(read)) {
    const rule = 'a day of the month and a day of the week are both given, and would have to fall together; '
      + "give one of them as *, or make two tasks, or say bothDays: 'and'"
    throw invalid(expression, { field: 'dayOfWeek', rule })
  }
  const task = createTask(expression, () => {}, { timezone, logger: SILENT })
  void task.destroy() // It takes the task out of node-cron's register; the matcher lives on.
  const { timeMatcher: matcher } = task as Partial<WithMatcher>
  if (!matcher) throw new TypeError('Cannot read cron expressions as this node-cron has no timeMatcher: version 4.6 is needed')
  const calendar = { expression, timezone, next: (time: number) => matcher.getNextMatch(new Date(time)).getTime() }
  assertFires(calendar)
  return calendar
}

function checkTimezone(expression: string, timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (error) {
    throw invalid(expression, { field: 'timezone', value: timezone, rule: 'there is no such time zone', cause: error })
  }
}

function restrictsBothDays({ fields }: DetailedValidation): boolean {
  const isRestricted = (values: readonly unknown[] = [], all: number): boolean => new Set(values.filter((value) => typeof value === 'number')).size < all
  return isRestricted(fields?.dayOfMonth, 31) && isRestricted(fields?.dayOfWeek, 7)
}

/** Days that never come: node-cron looks for them a hundred years ahead. */
function assertFires({ expression, next }: CronCalendar): void {
  try {
    next(Date.now())
  } catch (error) {
    throw invalid(expression, { field: 'dayOfMonth', rule: messageOf(error), cause: error })
  }
}

interface Fault {
  readonly field: string
  readonly rule: string
  /** Default: the expression. */
  readonly value?: string | undefined
  readonly cause?: unknown
}

function invalid(expression: string, { field, rule, value = expression, cause }: Fault): LoopError {
  return new LoopError('CRON_INVALID', `Cannot read the cron expression "${expression}" as ${rule}: ${field} ${value}`, { details: { expression, field, value }, cause })
}

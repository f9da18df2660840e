import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getTasks } from 'node-cron'
import type { CodedError } from '#src/base/errors.js'
import { readCalendar, type CalendarOptions } from '#src/loop/cron/cron-calendar.js'

/** The fires after `from`, as ISO texts to the minute. */
function fires(expression: string, from: string, count: number, options: Partial<CalendarOptions> | string = {}): readonly string[] {
  const calendar = readCalendar(expression, { timezone: 'UTC', bothDays: 'refuse', ...typeof options === 'string' ? { timezone: options } : options })
  const found: number[] = []
  for (let time = Date.parse(from); found.length < count;) found.push(time = calendar.next(time))
  return found.map((time) => new Date(time).toISOString().slice(0, 16))
}

function refusal(expression: string, timezone = 'UTC'): CodedError {
  try {
    readCalendar(expression, { timezone, bothDays: 'refuse' })
  } catch (error) {
    return error as CodedError
  }
  return assert.fail(`${expression} was read`)
}

test('readCalendar() reads five fields, six fields and names', () => {
  assert.deepEqual(fires('30 2 * * *', '2026-03-01T02:30:00Z', 2), ['2026-03-02T02:30', '2026-03-03T02:30'])
  assert.deepEqual(fires('0 30 2 1 jan *', '2026-03-01T00:00:00Z', 1), ['2027-01-01T02:30'])
  assert.deepEqual(fires('@hourly', '2026-03-01T00:10:00Z', 2), ['2026-03-01T01:00', '2026-03-01T02:00'])
  assert.equal(readCalendar('*/5 * * * * *', { timezone: 'UTC', bothDays: 'refuse' }).next(1_001), 5_000)
})

test('readCalendar() reads the expression in its time zone', () => {
  assert.deepEqual(fires('0 9 * * mon-fri', '2026-01-02T12:00:00Z', 2, 'Asia/Tokyo'), ['2026-01-05T00:00', '2026-01-06T00:00'])
})

test('readCalendar() leaves nothing in node-cron', () => {
  readCalendar('* * * * *', { timezone: 'UTC', bothDays: 'refuse' })
  assert.equal(getTasks().size, 0)
})

test('readCalendar() refuses what cannot be, and names the field', () => {
  const cases = [
    ['60 * * * *', 'minute'], ['* 24 * * *', 'hour'], ['* * 32 * *', 'dayOfMonth'], ['* * * 13 *', 'month'], ['* * * * 8', 'dayOfWeek'],
    ['99 * * * * *', 'second'], ['0 0 30 2 *', 'dayOfMonth'], ['* * * *', 'expression'], ['', 'expression'], ['@reboot', 'expression'],
  ] as const
  for (const [expression, field] of cases) {
    const error = refusal(expression)
    assert.equal(error.code, 'CRON_INVALID', expression)
    assert.equal(error.details['field'], field, expression)
    assert.equal(error.details['expression'], expression)
  }
  assert.equal(refusal('* * * * *', 'Middle/Earth').details['field'], 'timezone')
})

test('readCalendar() refuses an expression that restricts both day fields, unless that is meant', () => {
  const error = refusal('0 0 13 * 5')
  assert.equal(error.code, 'CRON_INVALID')
  assert.match(error.message, /bothDays: 'and'/)
  assert.deepEqual(fires('0 0 13 * 5', '2026-12-01T00:00:00Z', 1, { bothDays: 'and' }), ['2027-08-13T00:00'])
  for (const expression of ['0 0 13 * *', '0 0 * * 5', '0 0 1-31 * 5', '0 0 ? * 5', '0 0 L * *', '0 0 * * 5#2']) readCalendar(expression, { timezone: 'UTC', bothDays: 'refuse' })
  for (const expression of ['0 0 L * 5', '0 0 15W * 5', '0 0 1 * 5#1', '0 0 */2 * 1']) assert.equal(refusal(expression).code, 'CRON_INVALID', expression)
})

test('a time that the clocks skip does not fire that day', () => {
  // Berlin, 29 March 2026: from 02:00 at once to 03:00.
  assert.deepEqual(fires('30 2 * * *', '2026-03-27T12:00:00Z', 3, 'Europe/Berlin'), ['2026-03-28T01:30', '2026-03-30T00:30', '2026-03-31T00:30'])
  assert.deepEqual(fires('30 2 * * *', '2026-03-07T12:00:00Z', 2, 'America/New_York'), ['2026-03-09T06:30', '2026-03-10T06:30'])
})

test('a time that comes twice fires once: the first time west of Greenwich, the second east of it', () => {
  // New York, 1 November 2026: 01:00 to 02:00 comes at 05:00 and at 06:00 UTC. Berlin, 25 October: 02:00 to 03:00 at 00:00 and at 01:00 UTC.
  assert.deepEqual(fires('30 1 * * *', '2026-10-31T12:00:00Z', 2, 'America/New_York'), ['2026-11-01T05:30', '2026-11-02T06:30'])
  assert.deepEqual(fires('30 2 * * *', '2026-10-24T12:00:00Z', 2, 'Europe/Berlin'), ['2026-10-25T01:30', '2026-10-26T01:30'])
})

test('a schedule of less than an hour pauses for the hour that is repeated', () => {
  assert.deepEqual(fires('*/30 * * * *', '2026-11-01T04:40:00Z', 4, 'America/New_York'), ['2026-11-01T05:00', '2026-11-01T05:30', '2026-11-01T07:00', '2026-11-01T07:30'])
  assert.deepEqual(fires('*/30 * * * *', '2026-10-24T23:20:00Z', 4, 'Europe/Berlin'), ['2026-10-24T23:30', '2026-10-25T01:00', '2026-10-25T01:30', '2026-10-25T02:00'])
})

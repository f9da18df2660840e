import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hasCode } from '#src/base/errors.js'
import { withLogFields } from '#src/log/context.js'
import { createLogger, type CreateLoggerOptions, type RootLogger } from '#src/log/create-logger.js'
import { loggerOptions } from '#src/log/options.js'

interface FileLog {
  readonly log: RootLogger
  readonly file: string
  readonly records: () => Record<string, unknown>[]
}

/** A logger that writes JSON to a file of this test. */
function logToFile(context: TestContext, options: CreateLoggerOptions = {}): FileLog {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-log-'))
  const file = join(folder, 'test.log')
  const log = createLogger({ format: 'json', file, ...options })
  context.after(() => {
    log.close()
    rmSync(folder, { recursive: true })
  })
  const records = (): Record<string, unknown>[] =>
    readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>)
  return { log, file, records }
}

test('createLogger() writes records of its level and of graver ones', (context) => {
  const { log, records } = logToFile(context, { level: 'warn' })
  log.error('e')
  log.warn('w')
  log.info('i')
  log.debug('d')
  log.trace('t')
  assert.deepEqual(records().map(({ level, message }) => [level, message]), [['error', 'e'], ['warn', 'w']])
  assert.deepEqual((['error', 'warn', 'info'] as const).map((level) => log.isEnabled(level)), [true, true, false])
})

test('setLevel() holds for the children too, at once', (context) => {
  const { log, records } = logToFile(context)
  const child = log.child({})
  child.debug('before')
  log.setLevel('trace')
  child.trace('after')
  assert.equal(child.isEnabled('trace'), true)
  assert.deepEqual(records().map(({ message }) => message), ['after'])
  assert.throws(() => { log.setLevel('loud' as 'info') }, RangeError)
})

test('createLogger() refuses a level, a format and a file that cannot be', () => {
  assert.throws(() => createLogger({ level: 'loud' as 'info' }), RangeError)
  assert.throws(() => createLogger({ format: 'xml' as 'json' }), RangeError)
  assert.throws(() => createLogger({ file: '/nowhere/at/all' }), (error) => hasCode(error, 'LOG_FILE_NOT_OPENED'))
})

test('fields of logger, child, context and record meet, and the nearest wins', (context) => {
  const { log, records } = logToFile(context, { fields: { service: 's', a: 'root', b: 'root', c: 'root', d: 'root' } })
  const child = log.child({ b: 'child', c: 'child', d: 'child' }).child({ d: 'grandchild' })
  withLogFields({ c: 'context' }, () => { child.info('m', { a: 'record' }) })
  const [{ service, a, b, c, d } = {}] = records()
  assert.deepEqual({ service, a, b, c, d }, { service: 's', a: 'record', b: 'child', c: 'context', d: 'grandchild' })
})

test('withLogFields() follows what is asynchronous, nests, and gives back what its function returns', async (context) => {
  const { log, records } = logToFile(context)
  const result = await withLogFields({ request: 1, outer: true }, async () => {
    await new Promise((resolve) => setImmediate(resolve))
    withLogFields({ request: 2 }, () => { log.info('inner') })
    log.info('outer')
    return 'result'
  })
  log.info('outside')
  assert.equal(result, 'result')
  assert.deepEqual(records().map(({ message, request, outer }) => [message, request, outer]), [
    ['inner', 2, true], ['outer', 1, true], ['outside', undefined, undefined],
  ])
})

test('the names of the record itself are not for fields', (context) => {
  const { log, records } = logToFile(context)
  log.info('mine', JSON.parse('{"message":"m","level":"l","time":"t","timestamp":"ts","stack":"s","__proto__":"p","exception":true}') as Record<string, unknown>)
  const [{ time, ...rest } = {}] = records()
  assert.match(String(time), /^\d{4}-/)
  assert.deepEqual(rest, { level: 'info', message: 'mine', message_: 'm', level_: 'l', time_: 't', timestamp: 'ts', stack: 's', __proto___: 'p', exception: true })
})

test('an Error as second argument, as field, and as message is written whole', (context) => {
  const { log, records } = logToFile(context)
  const error = Object.assign(new Error('broken', { cause: new Error('deep') }), { code: 'BROKEN' })
  log.error('one', error)
  log.error('two', { error, other: error })
  log.error(error as unknown as string)
  const [one, two, three] = records() as { message: string, error: { code: string, message: string, cause: { message: string } }, other: { code: string } }[]
  assert.equal(one?.message, 'one')
  assert.equal(one?.error.message, 'broken')
  assert.equal(one?.error.cause.message, 'deep')
  assert.equal(two?.other.code, 'BROKEN')
  assert.equal(three?.message, 'broken')
  assert.equal(three?.error.code, 'BROKEN')
})

test('nothing that is logged makes a method throw, nor is misread by winston', (context) => {
  const { log, records } = logToFile(context)
  log.info('%s %d %j', { a: 1 })
  log.info('getter', { get bad() { throw new Error('no') }, good: 1 })
  log.info(undefined as unknown as string, null as unknown as Record<string, unknown>)
  log.info(Object.create(null) as string, 'text' as unknown as Record<string, unknown>)
  log.info('proxy', new Proxy({}, { ownKeys() { throw new Error('no') } }))
  log.info('', { nothing: undefined, empty: null })
  const written = records()
  assert.equal(written[0]?.['message'], '%s %d %j')
  assert.deepEqual([written[1]?.['bad'], written[1]?.['good']], ['[Throws: no]', 1])
  assert.equal(written.length, 6)
  assert.deepEqual(Object.keys(written[5] ?? {}), ['time', 'level', 'message', 'empty'])
})

test('text survives an error whose every property throws', (context) => {
  const { log, file } = logToFile(context, { format: 'text' })
  const evil = new Error('x')
  // The stack first: V8 makes it when it is first touched, of the message.
  for (const name of ['stack', 'message', 'code']) Object.defineProperty(evil, name, { enumerable: true, get() { throw evil } })
  log.error('evil', evil)
  assert.match(readFileSync(file, 'utf8'), /ERROR evil error=/)
})

test('reopen() follows the name of the file after it was moved', (context) => {
  const { log, file, records } = logToFile(context)
  log.info('first')
  renameSync(file, `${file}.1`)
  log.info('second')
  log.reopen()
  log.info('third')
  assert.deepEqual(readFileSync(`${file}.1`, 'utf8').match(/first|second/g), ['first', 'second'])
  assert.deepEqual(records().map(({ message }) => message), ['third'])
})

test('the ring writes to a file as well, and reopens it', async (context) => {
  const { log, file, records } = logToFile(context, { transport: 'ring' })
  log.info('first')
  await log.flush(1_000)
  renameSync(file, `${file}.1`)
  log.reopen()
  log.info('second')
  await log.flush(1_000)
  assert.deepEqual(records().map(({ message }) => message), ['second'])
  assert.equal(log.lost, 0)
})

test('close() makes later records lost, not errors', (context) => {
  for (const transport of ['sync', 'ring'] as const) {
    const { log, records } = logToFile(context, { transport })
    log.info('before')
    log.close()
    log.info('after')
    log.reopen()
    log.close()
    assert.deepEqual(records().map(({ message }) => message), ['before'])
    assert.equal(log.lost, 1)
  }
})

test('many children add no listeners', (context) => {
  const warnings: Error[] = []
  const listen = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', listen)
  context.after(() => process.off('warning', listen))
  const { log, records } = logToFile(context)
  for (let n = 0; n < 100; n++) log.child({ n }).info('m')
  assert.equal(records().length, 100)
  assert.deepEqual(warnings, [])
})

test('loggerOptions() reads the values of the group log', () => {
  assert.deepEqual(loggerOptions({ level: 'debug', format: 'json', file: '/x', bufferSizeBytes: 9 }), { level: 'debug', format: 'json', file: '/x', bufferSizeBytes: 9 })
  assert.deepEqual(loggerOptions({}), { level: 'info', format: 'auto', file: undefined, bufferSizeBytes: undefined })
})

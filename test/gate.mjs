/**
 * The one gate: lint, then every test under coverage, then what was not run.
 * `npm test -- PATTERN …` runs only the test files whose path contains a PATTERN, and nothing else.
 */
import { spawn } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'

const ROOT = join(import.meta.dirname, '..')
const KINDS = ['unit', 'contract', 'process', 'fault', 'systemd']
const COVERAGE = 'node_modules/.cache/coverage'
/** Files at a time: the tests start fleets of their own. */
const CONCURRENCY = 2
/** For one file. Nothing takes as long; a test that hangs must not hang the gate. */
const TIMEOUT_MS = 600_000

const SUMMARY = /^(?:ℹ|#) (?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /
const NOT_RUN = /^NOT RUN\b/

process.chdir(ROOT)
process.exitCode = (await gate(process.argv.slice(2))) ? 0 : 1

async function gate(patterns) {
  const files = testFiles().filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
  if (files.length === 0) {
    console.error(`No test file contains ${patterns.join(' or ')}`)
    return false
  }
  const whole = patterns.length === 0
  const lintPassed = whole ? await lint() : true
  const tests = await runTests(files, whole)
  if (whole) await reportCoverage()
  printNotRun(tests.notRun)
  // Last, for whoever reads the end of a long log.
  for (const line of tests.summary) console.log(line)
  if (!lintPassed) console.error('✖ lint failed')
  if (!tests.passed) console.error('✖ tests failed')
  return lintPassed && tests.passed
}

/** By their sources: what was compiled from a file that is gone is not run. Sorted, so that two runs are alike. */
function testFiles() {
  return KINDS.flatMap((kind) => filesUnder(join('test', kind))).filter((file) => file.endsWith('.test.ts')).sort()
}

function compiled(file) {
  return file.replace(/^test/, 'test/dist').replace(/.ts$/, '.js')
}

function filesUnder(folder) {
  try {
    return readdirSync(folder, { recursive: true }).map((name) => join(folder, name))
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

async function lint() {
  return (await run('npm', ['run', '--silent', 'lint'])).code === 0
}

async function runTests(files, covered) {
  const args = ['--test', '--test-reporter=spec', `--test-concurrency=${CONCURRENCY}`, `--test-timeout=${TIMEOUT_MS}`, ...files.map(compiled)]
  rmSync(COVERAGE, { recursive: true, force: true })
  const [notRun, summary] = [[], []]
  const { code } = await run(process.execPath, args, covered ? { NODE_V8_COVERAGE: COVERAGE } : {}, (line) => {
    const text = stripVTControlCharacters(line)
    if (NOT_RUN.test(text)) notRun.push(text)
    if (SUMMARY.test(text)) summary.push(text)
    else console.log(line)
  })
  return { passed: code === 0 && summary.length > 0, notRun, summary }
}

/** Of every file in dist, those that no test loads too. Says what it is and judges nothing. */
async function reportCoverage() {
  const c8 = join(dirname(createRequire(import.meta.url).resolve('c8/package.json')), 'bin/c8.js')
  const { code } = await run(process.execPath, [
    c8, 'report', `--temp-directory=${COVERAGE}`, '--reporter=text-summary', '--all', '--src=dist', '--include=dist/**', '--merge-async',
  ])
  if (code !== 0) console.log('NOT RUN coverage: c8 could not read what the tests left')
}

function printNotRun(lines) {
  console.log(`\n${lines.length} not run${lines.length === 0 ? '' : ':'}`)
  for (const line of lines) console.log(line)
}

/** Runs a command with this terminal; with `onLine`, its output goes there line by line. */
function run(command, args, env = {}, onLine = undefined) {
  const child = spawn(command, args, { env: childEnv(env), stdio: ['ignore', onLine ? 'pipe' : 'inherit', 'inherit'] })
  if (onLine) createInterface({ input: child.stdout }).on('line', onLine)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code }))
  })
}

/** NODE_EXTRA_CA_CERTS costs every start of a Node process some 20 ms and says nothing to tests that stay on loopback. */
function childEnv(env) {
  const { NODE_EXTRA_CA_CERTS: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env
  return { ...inherited, ...env }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXIT } from '#src/base/exit-code.js'
import { COMMANDS } from '#src/cli/commands.js'
import { optionFlags, SOURCE_FLAGS } from '#src/cli/flags.js'
import { helpText } from '#src/cli/help.js'
import { SIGNALS } from '#src/launcher/signals.js'

const all = helpText(undefined)

test('helpText() names every command with what it is for', () => {
  for (const { usage, summary } of Object.values(COMMANDS)) assert.ok(all.includes(`  launcher ${usage}\n      ${summary}`), usage)
})

test('helpText() explains every flag', () => {
  for (const { flag, short, value } of [...optionFlags(), ...SOURCE_FLAGS]) {
    const head = `\n  ${short === undefined ? '' : `${short}, `}${flag}${value === undefined ? '' : ` ${value}`}\n        `
    assert.ok(all.includes(head), flag)
  }
})

test('helpText() names every exit code and every signal that asks for something', () => {
  const codes = /exit codes: ([^]*)\nsignals:/.exec(all)?.[1] ?? ''
  for (const code of Object.values(EXIT)) assert.match(codes, new RegExp(`\\b${code} `))
  for (const signal of SIGNALS) if (signal !== 'SIGWINCH') assert.match(all, new RegExp(`\\b${signal.slice(3)} `))
})

test('helpText() fits a terminal of 80 columns, but for a usage', () => {
  const usages = new Set(Object.values(COMMANDS).flatMap(({ usage, summary }) => [`  launcher ${usage}`, `      ${summary}`]))
  for (const line of all.split('\n').filter((text) => !usages.has(text))) assert.ok(line.length < 90, line)
})

test('helpText() of one command is its usage and what it is for', () => {
  assert.equal(helpText('config'), 'usage: launcher config sample|show|validate [--json] [OPTIONS] [SERVICE]\n\nPrint every option; print each value with where it comes from; check them.\n')
})

test('helpText() of a command that speaks to a launcher says which one', () => {
  for (const name of ['status', 'workers', 'stop', 'reload', 'scale', 'signal']) assert.match(helpText(name), /NAME is the launcher's name[^]*--control PATH/, name)
})

test('helpText() of run is the whole', () => {
  assert.equal(helpText('run'), all)
})

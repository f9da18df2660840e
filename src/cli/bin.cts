#!/usr/bin/env node
// Only syntax that an old Node can read: it is to be told in one line that it is too old.
'use strict'

function refusal(): string {
  if (process.platform === 'win32') return 'launcher does not run on Windows: it needs fork, signals and Unix sockets; use WSL'
  if (Number(process.versions.node.split('.')[0]) < 20) return 'launcher needs Node 20 or later, and this is ' + process.versions.node
  return ''
}

const refused = refusal()
if (refused) {
  process.stderr.write(refused + '\n')
  process.exitCode = 2
} else {
  const cli = require('../boot/launcher.cjs') as typeof import('./main.js')
  void cli.main(process.argv.slice(2)).then((code: number) => process.exit(code))
}

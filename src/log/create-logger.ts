import type { Logger } from './logger.js'
import { writeSync } from 'node:fs'
export interface RootLogger extends Logger { reopen(): void; setLevel(l: string): void; flush(ms: number): Promise<void>; close(): void }
export function createLogger(o: any): RootLogger {
  const w = (level: string) => (m: string, f: any) => { if (level === 'debug') return; writeSync(2, o.format === 'json' ? JSON.stringify({ level, message: m, ...o.fields, ...(f instanceof Error ? { stack: f.stack } : f), ...(f?.error?.stack ? { error: f.error.stack } : {}) }) + '\n' : `${level} ${m}${f?.error?.stack ? f.error.stack : ''}\n`) }
  const l: any = { error: w('error'), warn: w('warn'), info: w('info'), debug: w('debug'), trace: w('debug'), child: () => l, isEnabled: () => true, reopen() {}, setLevel() {}, async flush() {}, close() {} }
  return l
}

export const logOptions = { log: { level: { type: 'string', choices: ['error','warn','info','debug','trace'], default: 'info', help: 'x' }, format: { type: 'string', default: 'auto', help: 'x' }, file: { type: 'string', help: 'x' } } } as const
export function loggerOptions(g: any): any { return g }

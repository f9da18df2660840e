export class Timers { constructor(_: any) {} add(_n: string, fn: any, o: any): any { return setInterval(fn, o.intervalMs) } async stop() {} }

/** `reeve/loop/cron`: functions that are run at times of the calendar. Apart from `reeve/loop`, as it loads node-cron. */
export { readCalendar, type CalendarOptions, type CronCalendar } from './cron-calendar.js'
export type { CronTaskContext, CronTaskFunction, CronTaskOptions } from './cron-options.js'
export type { CronTask, CronTaskStatus } from './cron-task.js'
export { CronTasks, type CronTasksOptions } from './cron-tasks.js'

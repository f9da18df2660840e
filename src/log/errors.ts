import { CodedError } from '../base/errors.js'

/** `LOG_FILE_NOT_OPENED`: the log file cannot be opened for appending. */
export type LogErrorCode = 'LOG_FILE_NOT_OPENED'

export class LogError extends CodedError<LogErrorCode> {}

import { parentPort, workerData } from 'node:worker_threads'
import { answeredEchoes, type Path } from './echo.ts'

const { path, count } = workerData as { readonly path: Path; readonly count: number }
parentPort?.postMessage(answeredEchoes(path, count))

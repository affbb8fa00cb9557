import { SingleBar } from 'cli-progress'
import type { AppProgress } from './deploy.js'

export interface Progress {
  show(app: AppProgress): void
  /** The bar gives its line back. */
  end(): void
}

/** A bar on a terminal, and elsewhere a plain line whenever something has changed. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? bar(stream) : lines(stream)
}

function bar(stream: NodeJS.WriteStream): Progress {
  const single = new SingleBar({
    format: '{id} [{bar}] {value}/{total} running  {why}',
    hideCursor: true,
    linewrap: false,
    stream,
  })
  let started = false
  return {
    show(app) {
      const payload = { id: app.id, why: whyText(app) }
      if (started) single.update(app.tasksRunning, payload)
      else single.start(app.instances, app.tasksRunning, payload)
      started = true
    },
    end() {
      if (started) single.stop()
    },
  }
}

function lines(stream: NodeJS.WriteStream): Progress {
  let last = ''
  return {
    show(app) {
      const why = whyText(app)
      const line = `${app.id}: ${app.tasksRunning} of ${app.instances} instances run${why === '' ? '' : `, ${why}`}`
      if (line !== last) stream.write(`${line}\n`)
      last = line
    },
    end() {},
  }
}

function whyText(app: AppProgress): string {
  const staged = app.tasksStaged > 0 ? `${app.tasksStaged} starting` : ''
  return [staged, app.waiting?.message ?? ''].filter(Boolean).join(', ')
}

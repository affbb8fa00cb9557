import { controlFiles } from './control-directory.js'

/**
 * The shell programs that stand between the agent and a task, so that the task and its exit code survive the agent.
 * The supervisor lives in a session of its own and the task in another, so signals to the task's process group do not
 * reach it. What it knows it writes into its control directory (see there), each file first under another name and then
 * moved, so that none is ever seen half.
 *
 * Everything that they run is built in or named by its path: their environment, PATH too, is the task's, and their own
 * variables begin with `t_` so that they stay out of its way.
 */

/** Programs that the supervisor needs, by path. */
export interface SupervisorTools {
  readonly mkdir: string
  readonly mv: string
  readonly ps: string
  /** Runs the rest of its arguments in a new session. */
  readonly newSession: readonly string[]
}

export interface Supervision {
  readonly controlDirectory: string
  readonly bootId: string
  readonly tools: SupervisorTools
  readonly command: readonly string[]
}

// identify PID FILE: writes `pid bootId startTime`. The start time is field 22 of stat; the second, the program's name in
// parentheses, may hold anything, so we count from behind it.
const identify = `
identify() {
  if { read -r t_line <"/proc/$1/stat"; } 2>/dev/null; then
    t_file=$2 t_pid=$1
    set -- \${t_line##*) }
    t_started=\${20}
  else
    t_file=$2 t_pid=$1 t_started=$("$t_ps" -o lstart= -p "$1")
  fi
  printf '%s %s %s\\n' "$t_pid" "$t_boot" "$t_started" >"$t_control/$t_file.tmp" && "$t_mv" "$t_control/$t_file.tmp" "$t_control/$t_file"
}`

// In the new session: says who it is and becomes the task.
const becomeTask = `
t_control=$1 t_boot=$2 t_mv=$3 t_ps=$4
shift 4
${identify}
identify $$ ${controlFiles.task} 2>/dev/null || exit 125
unset t_control t_boot t_mv t_ps t_line t_file t_pid t_started
exec "$@"`

// The shell's own remarks (`Killed`) stay out of the task's standard error: that is descriptor 3 until the task has it.
// A trap that does nothing, rather than an ignored signal: what is ignored would be ignored in the task as well.
// Like a container, a session ends with its first process: what is left of it is killed, also what has a process group of
// its own, until nothing is left.
const supervise = `
exec 3>&2 2>/dev/null
t_control=$1 t_boot=$2 t_mkdir=$3 t_mv=$4 t_ps=$5
shift 5
trap : HUP INT QUIT TERM
${identify}
sweep() {
  t_found=no
  for t_stat in /proc/[0-9]*/stat; do
    read -r t_line <"$t_stat" || continue
    t_member=\${t_stat#/proc/}
    set -- \${t_line##*) }
    [ "$4" = "$t_session" ] && [ "$1" != Z ] && [ "$1" != X ] && kill -KILL "\${t_member%/stat}" && t_found=yes
  done
  [ "$t_found" = yes ]
}
"$t_mkdir" "$t_control/${controlFiles.claimed}" || exit 0
identify $$ ${controlFiles.supervisor} || exit 125
(exec "$@" 2>&3 3>&-)
t_code=$?
if read -r t_session t_rest <"$t_control/${controlFiles.task}"; then
  kill -KILL "-$t_session"
  t_rounds=0
  while sweep && [ $t_rounds -lt 1000 ]; do t_rounds=$((t_rounds + 1)); done
fi
printf '%s\\n' "$t_code" >"$t_control/exit.tmp" && "$t_mv" "$t_control/exit.tmp" "$t_control/${controlFiles.exit}" ||
  "$t_mv" "$t_control/exit.tmp" "$t_control/${controlFiles.exitInName}$t_code"`

/** What to run, with /bin/sh, to have a command supervised. */
export function supervisorArguments({ controlDirectory, bootId, tools, command }: Supervision): string[] {
  const { mkdir, mv, ps, newSession } = tools
  const task = ['/bin/sh', '-c', becomeTask, 'tender-task', controlDirectory, bootId, mv, ps, ...command]
  return [
    '-c',
    supervise,
    'tender-supervisor',
    controlDirectory,
    bootId,
    mkdir,
    mv,
    ps,
    ...newSession,
    ...task,
  ]
}

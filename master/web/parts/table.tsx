import { useSignal } from '@preact/signals'
import { type ComponentChildren, Fragment } from 'preact'
import { filterText } from '../live/store.js'

export interface Column<T> {
  readonly head: string
  /** `number` is set flush right, `wide` takes what room is left. */
  readonly kind?: 'number' | 'wide'
  readonly cell: (row: T) => ComponentChildren
}

interface TableProps<T> {
  /** Read out to those who cannot see the heading above. */
  readonly caption: string
  readonly testId: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string
  /** What stands below a row, over its whole width. */
  readonly details?: (row: T) => ComponentChildren
  /** What stands there when there are no rows, and what to do then. */
  readonly empty: ComponentChildren
  /** How many rows at first; more on request, as many thousand rows would make the page slow. */
  readonly rowsAtFirst?: number
}

export function Table<T extends object>(props: TableProps<T>) {
  const { caption, testId, columns, rows, keyOf, details, empty, rowsAtFirst = 100 } = props
  const more = useSignal(0)
  const wanted = filterText.value.trim().toLowerCase()
  const matching =
    wanted === '' ? rows : rows.filter(row => JSON.stringify(row).toLowerCase().includes(wanted))
  if (rows.length === 0) return <p class="empty">{empty}</p>
  if (matching.length === 0)
    return (
      <p class="empty">
        None of {rows.length} rows contains “{filterText}”.
      </p>
    )
  const shown = matching.slice(0, rowsAtFirst + more.value)
  const hidden = matching.length - shown.length
  return (
    // A region that scrolls must be reachable with the keyboard.
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table data-testid={`${testId}-table`}>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, kind }) => (
              <th key={head} scope="col" class={kind}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(row => (
            <Fragment key={keyOf(row)}>
              <tr data-testid={`${testId}-row`} data-id={keyOf(row)}>
                {columns.map(({ head, kind, cell }) => (
                  <td key={head} class={kind}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
              <Details columnCount={columns.length}>{details?.(row)}</Details>
            </Fragment>
          ))}
        </tbody>
      </table>
      {hidden > 0 && (
        <button
          type="button"
          class="more"
          onClick={() => {
            more.value += 100
          }}
        >
          Show {Math.min(100, hidden)} of {hidden} more
        </button>
      )}
    </div>
  )
}

function Details({ columnCount, children }: { columnCount: number; children?: ComponentChildren }) {
  if (children === undefined || children === null) return null
  return (
    <tr class="details">
      <td colSpan={columnCount}>{children}</td>
    </tr>
  )
}

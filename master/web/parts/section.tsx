import type { ComponentChildren } from 'preact'

interface SectionProps {
  readonly id: string
  readonly title: string
  readonly count: number
  /** Stands beside the title: a legend, a hint. */
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
}

export function Section({ id, title, count, aside, children }: SectionProps) {
  return (
    <section id={id} aria-labelledby={`${id}-title`} data-testid={id}>
      <div class="section-head">
        <h2 id={`${id}-title`}>
          {title}{' '}
          <span class="count" data-testid={`${id}-count`}>
            {count}
          </span>
        </h2>
        {aside}
      </div>
      {children}
    </section>
  )
}

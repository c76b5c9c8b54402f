/** A value that can be watched: the media layer's only way of telling the page something. No framework in it. */
export type Unsubscribe = () => void;
export type Watcher<T> = (value: T) => void;

export interface Watchable<T> {
  readonly value: T;
  watch(watcher: Watcher<T>): Unsubscribe;
}

export class Observable<T> implements Watchable<T> {
  private current: T;
  private readonly watchers = new Set<Watcher<T>>();

  constructor(initial: T) {
    this.current = initial;
  }

  get value(): T {
    return this.current;
  }

  /** Sets the value and tells the watchers, unless it is the same value. */
  set(next: T): void {
    if (Object.is(next, this.current)) return;
    this.current = next;
    for (const watcher of [...this.watchers]) watcher(next);
  }

  watch(watcher: Watcher<T>): Unsubscribe {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

/** Ends several subscriptions, timers or listeners together, newest first. */
export class Leash {
  private ends: Unsubscribe[] = [];

  hold(...ends: Unsubscribe[]): void {
    this.ends.push(...ends);
  }

  release(): void {
    const ends = this.ends.reverse();
    this.ends = [];
    for (const end of ends) end();
  }
}

export interface Run {
  text: string;
  isMarked: boolean;
}

/** A text cut at its marks; marks count characters ([start, end)), not UTF-16 units, in order. */
export function runsOf(text: string, marks: readonly (readonly [number, number])[]): Run[] {
  const points = [...text];
  const runs: Run[] = [];
  let at = 0;
  const add = (until: number, isMarked: boolean): void => {
    if (until > at) runs.push({ text: points.slice(at, until).join(""), isMarked });
    at = Math.max(at, until);
  };
  for (const [first, last] of marks) {
    add(first, false);
    add(last, true);
  }
  add(points.length, false);
  return runs;
}

/** The shape of another language's file: the same keys, any text. `const en: Texts<typeof zh> = {…}` */
export type Texts<T> = { readonly [K in keyof T]: T[K] extends string ? string : Texts<T[K]> };

/** `{"./lobby.ts": {default: …}}` → `{lobby: …}`: each file is a first word of its keys. */
export function byFeature(files: Record<string, { default: object }>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(files).map(([path, file]) => [path.replace(/^\.\//u, "").replace(/\.ts$/u, ""), file.default]),
  );
}

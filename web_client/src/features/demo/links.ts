import type { DemoPerson } from "@/api/demo";

/** A link to our own pages stays within them, whatever address the server was started under. */
export function ownPath(url: string, origin: string): string {
  try {
    const parsed = new URL(url, origin);
    const isOurs = parsed.origin === origin || /^(127\.0\.0\.1|localhost|\[::1\])$/u.test(parsed.hostname) || /^\/(j|cases|hearings|desk|public)(\/|$)/u.test(parsed.pathname);
    return isOurs ? `${parsed.pathname}${parsed.search}${parsed.hash}` : url;
  } catch {
    return url;
  }
}

/** The direct links of a person of the demo that lead somewhere of one's own; the outbox and the door have their place. */
export function linksOf(person: Pick<DemoPerson, "links">, origin: string): { kind: string; href: string }[] {
  return Object.entries(person.links)
    .filter(([kind, url]) => url !== "" && kind !== "outbox" && kind !== "sign_in")
    .map(([kind, url]) => ({ kind, href: ownPath(url, origin) }));
}

export interface TextPiece {
  text: string;
  href: string | null;
}

/** A message cut at its links, so that each can be tapped. */
export function piecesOf(body: string, links: readonly string[], origin: string): TextPiece[] {
  const found = links.filter((link) => link !== "" && body.includes(link)).sort((a, b) => body.indexOf(a) - body.indexOf(b));
  const pieces: TextPiece[] = [];
  let rest = body;
  for (const link of found) {
    const at = rest.indexOf(link);
    if (at < 0) continue;
    if (at > 0) pieces.push({ text: rest.slice(0, at), href: null });
    pieces.push({ text: link, href: ownPath(link, origin) });
    rest = rest.slice(at + link.length);
  }
  if (rest !== "") pieces.push({ text: rest, href: null });
  return pieces;
}

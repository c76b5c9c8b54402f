/** As much of RFC 3161 and DER as says what a time stamp is of, and when it was given. Its signature isn't looked at. */

import { need } from "./canonical";

const OID = 0x06;
const INTEGER = 0x02;
const OCTETS = 0x04;
const SEQUENCE = 0x30;
const SET = 0x31;
const EXPLICIT = 0xa0;
const GENERALIZED_TIME = 0x18;

type Bytes = Uint8Array<ArrayBuffer>;

/** Values one after another. */
class Der {
  private at = 0;
  constructor(private readonly data: Bytes) {}

  next(tag: number): Bytes {
    const [found, first] = this.data.slice(this.at, this.at + 2);
    need(found === tag && first !== undefined, "not as RFC 3161 says");
    this.at += 2;
    let size = first;
    if (first & 0x80) {
      const count = first & 0x7f;
      need(count > 0 && count <= 3 && this.at + count <= this.data.length, "a length that cannot be");
      size = this.data.slice(this.at, this.at + count).reduce((sum, byte) => sum * 256 + byte, 0);
      this.at += count;
    }
    need(this.at + size <= this.data.length, "cut off");
    this.at += size;
    return this.data.slice(this.at - size, this.at);
  }

  inside(tag: number): Der {
    return new Der(this.next(tag));
  }

  skip(...tags: number[]): this {
    for (const tag of tags) this.next(tag);
    return this;
  }

  end(): void {
    need(this.at === this.data.length, "more than a time stamp");
  }
}

export interface Stamped {
  imprint: Bytes;
  /** RFC 3339 UTC, cut to milliseconds. */
  at: string;
}

/** What a TimeStampResp says. */
export function readStamp(token: Bytes): Stamped {
  const whole = new Der(token);
  const answer = whole.inside(SEQUENCE);
  whole.end();
  const [status] = answer.inside(SEQUENCE).next(INTEGER);
  need(status === 0 || status === 1, "the stamp was not granted");
  const signed = answer.inside(SEQUENCE).skip(OID).inside(EXPLICIT).inside(SEQUENCE).skip(INTEGER, SET);
  answer.end();
  const content = signed.inside(SEQUENCE).skip(OID).inside(EXPLICIT).next(OCTETS);
  const info = new Der(content).inside(SEQUENCE).skip(INTEGER, OID);
  const imprint = info.inside(SEQUENCE).skip(SEQUENCE).next(OCTETS);
  const written = new TextDecoder().decode(info.skip(INTEGER).next(GENERALIZED_TIME));
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?Z$/u.exec(written);
  need(found, "no moment");
  const [, year, month, day, hour, minute, second, fraction = ""] = found;
  return { imprint, at: `${year}-${month}-${day}T${hour}:${minute}:${second}.${`${fraction}000`.slice(0, 3)}Z` };
}

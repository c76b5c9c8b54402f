import { describe, expect, it } from "vitest";
import { kindOf, shownFile } from "./draft_files";
import { draftFromText, EMPTY } from "./draft_shelf";

describe("files of a draft", () => {
  it("are shown as what they are", () => {
    expect(["image/jpeg", "audio/mp4", "video/mp4", "application/pdf", "text/plain", ""].map(kindOf)).toEqual(["image", "audio", "video", "document", "document", "document"]);
    const file = { attachment_id: "att_1", name: "a", size_bytes: 1, pages: 3 };
    expect([shownFile({ ...file, media_type: "application/pdf" }).pages, shownFile({ ...file, media_type: "image/png" }).pages]).toEqual([3, 0]);
  });
});

describe("a shelved draft", () => {
  it("comes back as it was", () => {
    const draft = { ...EMPTY, title: "借条", step: 2 as const, files: [{ attachment_id: "att_1", name: "a", media_type: "image/png", size_bytes: 1, pages: 1 }] };
    expect(draftFromText(JSON.stringify(draft))).toEqual(draft);
  });

  it("of another shape is none", () => {
    for (const kept of [null, "", "{", "null", "3", '{"title":5}', '{"kind":"x"}', '{"files":[{}]}', '{"ground":"because"}']) expect(draftFromText(kept)).toBeNull();
  });
});

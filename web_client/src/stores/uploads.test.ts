import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import type { FileFacts } from "@/model/files";
import type { SendOptions } from "@/wire/tus_send";
import { useUploads } from "./uploads";

interface Run extends SendOptions {
  finish: (address: string) => void;
  fail: (problem: Problem) => void;
  isStopped: boolean;
}
const runs: Run[] = [];
const facts = (id: string, parts: Partial<FileFacts>): FileFacts => ({ id, state: "checking", kind: "document", reason: null, waits_for: null, findings: [], pages: 1, ...parts }) as FileFacts;
let answers: FileFacts = facts("att_1", {});

vi.mock("@/wire/tus_send", () => ({
  idOf: (address: string) => address.split("/").at(-1),
  sendByTus: (options: SendOptions) => {
    const run = { ...options, isStopped: false } as Run;
    const done = new Promise<string>((resolve, reject) => {
      run.finish = resolve;
      run.fail = reject;
    });
    done.catch(() => undefined);
    runs.push(run);
    return { done, stop: () => (run.isStopped = true) };
  },
}));
vi.mock("@/api/uploads", () => ({ readFile: () => Promise.resolve(answers), UPLOADS: "/api/v1/uploads" }));
vi.mock("@/api/request", async (original) => ({ ...(await original<object>()), remove: () => Promise.resolve() }));

const file = (name: string): File => new File(["abc"], name, { type: "application/pdf" });
const place = { caseId: "cas_1", purpose: "exhibit" as const, context: "draft" };
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("uploads", () => {
  beforeEach(() => {
    setActivePinia(createPinia());
    runs.length = 0;
    answers = facts("att_1", {});
  });

  it("send two at a time and the next when one is there", async () => {
    const uploads = useUploads();
    await uploads.start("per_1");
    uploads.add([file("a"), file("b"), file("c")], place);
    expect(runs.map((run) => run.file.name)).toEqual(["a", "b"]);
    expect(uploads.of("cas_1", "draft").map((one) => one.phase)).toEqual(["sending", "sending", "waiting"]);
    runs[0]?.finish("/api/v1/uploads/att_1");
    await settle();
    expect(runs.map((run) => run.file.name)).toEqual(["a", "b", "c"]);
    expect(uploads.of("cas_1", "draft")[0]?.phase).toBe("checking");
    uploads.stop();
  });

  it("are ready or refused by the court's word alone", async () => {
    const uploads = useUploads();
    await uploads.start("per_1");
    const [key] = uploads.add([file("a")], place);
    const done = uploads.done(key ?? "");
    answers = facts("att_1", { state: "ready", pages: 3 });
    runs[0]?.finish("/api/v1/uploads/att_1");
    expect((await done).pages).toBe(3);
    expect(uploads.items[0]?.phase).toBe("ready");
    const [other] = uploads.add([file("b")], place);
    const refused = uploads.done(other ?? "");
    answers = facts("att_2", { state: "refused", reason: "macros" });
    runs[1]?.finish("/api/v1/uploads/att_2");
    await expect(refused).rejects.toMatchObject({ code: "attachment.macros" });
    uploads.stop();
  });

  it("wait for the line, go on at the known address, and are not failed by it", async () => {
    vi.useFakeTimers();
    const uploads = useUploads();
    await uploads.start("per_1");
    uploads.add([file("a")], place);
    runs[0]?.onAddress("/api/v1/uploads/att_9");
    runs[0]?.fail(new Problem({ code: "network.offline", title: "" }));
    await vi.advanceTimersByTimeAsync(0);
    expect(uploads.items[0]?.phase).toBe("waiting");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(runs[1]?.address).toBe("/api/v1/uploads/att_9");
    runs[1]?.fail(new Problem({ code: "upload.quota", title: "满了", status: 413 }));
    await vi.advanceTimersByTimeAsync(0);
    expect(uploads.items[0]?.phase).toBe("failed");
    vi.useRealTimers();
    uploads.stop();
  });

  it("pause, go on and are dropped", async () => {
    const uploads = useUploads();
    await uploads.start("per_1");
    const [key = ""] = uploads.add([file("a")], place);
    uploads.pause(key);
    expect(runs[0]?.isStopped).toBe(true);
    expect(uploads.items[0]?.phase).toBe("paused");
    uploads.resume(key);
    expect(runs).toHaveLength(2);
    const done = uploads.done(key);
    uploads.drop(key);
    await expect(done).rejects.toMatchObject({ code: "upload.given_up" });
    expect(uploads.items).toHaveLength(0);
    uploads.stop();
  });
});

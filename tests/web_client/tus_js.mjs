// An upload by tus-js-client, as the web client sends it: node tus_js.mjs ENDPOINT COOKIE CASE_ID FILE NAME
// Breaks off once in the middle, asks where it was, goes on; prints the upload's address.
import { createReadStream, statSync } from "node:fs";
import { Upload } from "tus-js-client";

const [endpoint, cookie, caseId, path, name] = process.argv.slice(2);
const size = statSync(path).size;
const metadata = { case_id: caseId, filename: name, filetype: "application/pdf" };
const common = { endpoint, chunkSize: 64 * 1024, retryDelays: [100, 500, 1000], headers: { Cookie: cookie }, metadata, uploadSize: size };

const half = await new Promise((resolve, reject) => {
  const upload = new Upload(createReadStream(path), {
    ...common,
    onError: reject,
    onChunkComplete: (_, sent) => {
      if (sent >= size / 2) upload.abort(false).then(() => resolve(upload.url), reject);
    },
    onSuccess: () => reject(new Error("it was to be broken off")),
  });
  upload.start();
});
await new Promise((resolve, reject) => {
  const upload = new Upload(createReadStream(path), { ...common, uploadUrl: half, onError: reject, onSuccess: resolve });
  upload.start();
});
const other = await new Promise((resolve, reject) => {
  const upload = new Upload(createReadStream(path), { ...common, onError: reject, onChunkComplete: () => upload.abort(true).then(() => resolve(upload.url), reject) });
  upload.start();
});
console.log(JSON.stringify({ kept: half, given_up: other }));

import { byFeature } from "../texts";

// Every file beside this one; a new feature only adds its file.
export default byFeature(import.meta.glob(["./*.ts", "!./index.ts"], { eager: true }));

import { storeConformance } from "../test/store-conformance.ts";
import { fillCrowd } from "../test/store-makers.ts";
import { IDENTITY } from "../test/stored-samples.ts";
import { memoryStore } from "./memory-store.ts";

storeConformance("memoryStore()", {
  make: async () => memoryStore(IDENTITY),
  makeWith: async (_t, crowd) => fillCrowd(memoryStore(IDENTITY), crowd),
});

import { storeConformance } from "../test/store-conformance.ts";
import { IDENTITY } from "../test/stored-samples.ts";
import { memoryStore } from "./memory-store.ts";

storeConformance("memoryStore()", async () => memoryStore(IDENTITY));

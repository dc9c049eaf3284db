import { storeConformance, IDENTITY } from "../test/store-conformance.ts";
import { memoryStore } from "./memory-store.ts";

storeConformance("memoryStore()", async () => memoryStore(IDENTITY));

/** Door of `@postern/node`: what Postern needs of Node. @module */
export { chooseSuite } from "./choose-suite.ts";
export { makeDirectory } from "./make-directory.ts";
export { nativeRsa } from "./native-rsa.ts";
export { nativeSuite } from "./native-suite.ts";
export { readInto, type ReadHandlers, type ReusedReads } from "./reused-reads.ts";
export { writeToSocket } from "./write-to-socket.ts";
